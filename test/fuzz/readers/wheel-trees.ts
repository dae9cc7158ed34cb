import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { programsOf } from '../../../src/wheels/tree/entry-points.ts';
import { hashTree } from '../../../src/wheels/tree/hash.ts';
import { zip } from '../../tools/zip.ts';
import { damagedBytes } from '../broken-tar.ts';
import { mutatedText } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const entryPoints = `[console_scripts]
x = x.cli:main
y=y:Y.run [extra]

# more
[gui_scripts]
z = z : show
[other]
w
`;

const files: [string, Buffer][] = [
  ['x-1.data/scripts/x', Buffer.from('#!python\nimport x\n')],
  ['x-1.data/purelib/x.py', Buffer.alloc(300, 'x = 1\n')],
  ['x-1.dist-info/METADATA', Buffer.from('Name: x\n')],
  ['x-1.dist-info/entry_points.txt', Buffer.from('[console_scripts]\nz = x:main\n')],
];
const wheels = [zip(files), zip(files, 'deflated')];

/** Sizes, offsets, flags and methods that nobody writes by mistake, anywhere. */
const wrongField = (wheel: Buffer) =>
  fc
    .array(
      fc.record({
        at: fc.nat(wheel.length - 4),
        value: fc.constantFrom(0, 1, 2, 8, 9, 0x800, 0xffff, 0x10000, 0x7fffffff, 0xffffffff),
        size: fc.constantFrom(2, 4),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map(fields => {
      const bytes = Buffer.from(wheel);
      for (const { at, value, size } of fields) {
        bytes.writeUIntLE(value % 2 ** (8 * size), at, size);
      }
      return bytes;
    });

/** The folder of this thread; removed with the process. */
let folder: string | undefined;
function fileWith(bytes: Uint8Array): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'fuzzed-wheel-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const file = join(folder, 'x.whl');
  writeFileSync(file, bytes);
  return file;
}

export const readers = [
  fuzzed({
    name: 'the zip of a wheel',
    cases: fc
      .constantFrom(...wheels)
      .chain(wheel => fc.oneof(damagedBytes(wheel), wrongField(wheel))),
    read: bytes => hashTree(fileWith(bytes), 'x.whl'),
  }),
  fuzzed({
    name: 'entry_points.txt of a wheel',
    cases: mutatedText(entryPoints),
    broken: [`[console_scripts]\nx = ${'a.'.repeat(100_000)}:b`, ' '.repeat(300_000)],
    read: text => programsOf(text, 'entry_points.txt'),
  }),
];
