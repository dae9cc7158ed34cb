import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { Failure } from '../../../src/host/failure.ts';
import { narHash } from '../../../src/wheels/nar.ts';
import { hashTree } from '../../../src/wheels/tree/hash.ts';
import { makeOddWheels, type OddEntry } from '../../tools/odd-wheels.ts';

const unpackWheel = fileURLToPath(
  new URL('../../../templates/layered/unpack-wheel.py', import.meta.url),
);

const info: OddEntry = { name: 'odd-1.0.dist-info/METADATA', text: 'Name: odd\n' };
const points = (text: string): OddEntry => ({ name: 'odd-1.0.dist-info/entry_points.txt', text });
const file = (name: string, more: Partial<OddEntry> = {}): OddEntry => ({
  name,
  text: `of ${name}\n`,
  ...more,
});

/** A wheel that has a tree: its files, those that end in "*" executable, and some of their texts. */
interface Good {
  entries: OddEntry[];
  files: string[];
  texts?: Record<string, string>;
  leftOut?: string[];
}

const program = (module: string, name: string, call: string) =>
  `#!/opt/python/bin/python3\nimport sys\nfrom ${module} import ${name}\nif __name__ == '__main__':\n    sys.exit(${call}())\n`;

const good: Record<string, Good> = {
  'plain files, in the order of their bytes': {
    entries: [
      'odd/b.py',
      'odd.py',
      'odd-x/a',
      'odd/B',
      'odd/é',
      'odd/\u{ff61}',
      'odd/\u{1f600}',
    ].map(name => file(name)),
    files: ['odd-x/a', 'odd.py', 'odd/B', 'odd/b.py', 'odd/é', 'odd/\u{ff61}', 'odd/\u{1f600}'],
  },
  'bits of execution as pip takes them': {
    entries: [
      file('yes', { mode: 0o100755 }),
      file('group', { mode: 0o100654 }),
      file('no', { mode: 0o100644 }),
      file('without-attributes', { mode: 0 }),
      file('without-a-kind', { mode: 0o755 }),
    ],
    files: ['group*', 'no', 'without-a-kind', 'without-attributes', 'yes*'],
  },
  'empty folders, and files in folders that are named': {
    entries: [
      file('empty/', { text: '', mode: 0o040755, method: 0 }),
      file('full/', { text: '', mode: 0o040755, method: 0 }),
      file('full/empty/', { text: '', mode: 0, method: 0 }),
      file('full/file'),
    ],
    files: ['full/file'],
  },
  'stored and deflated, empty and long': {
    entries: [
      file('stored', { method: 0, times: 100_000 }),
      file('deflated', { times: 100_000 }),
      file('empty-stored', { text: '', method: 0 }),
      file('empty-deflated', { text: '' }),
      ...[1, 7, 8, 9].map(size => file(`size-${size}`, { text: 'x', times: size })),
    ],
    files: [
      ...['deflated', 'empty-deflated', 'empty-stored'],
      ...['size-1', 'size-7', 'size-8', 'size-9', 'stored'],
    ],
  },
  zip64: {
    entries: [file('a', { zip64: true, times: 1000 }), file('b', { zip64: true, method: 0 })],
    files: ['a', 'b'],
  },
  'purelib and platlib, merged into the root': {
    entries: [
      file('odd/root.py'),
      file('odd-1.0.data/purelib/odd/pure.py'),
      file('odd-1.0.data/platlib/odd/plat.so', { mode: 0o100755 }),
      file('odd-1.0.data/platlib/top.py'),
    ],
    files: ['odd/plat.so*', 'odd/pure.py', 'odd/root.py', 'top.py'],
  },
  'data below the root, headers left out': {
    entries: [
      file('odd-1.0.data/data/share/odd/x'),
      file('odd-1.0.data/data/bin/tool', { mode: 0o100755 }),
      file('odd-1.0.data/data/lib/liba.so'),
      file('odd-1.0.data/headers/odd.h'),
    ],
    files: ['bin/tool*', 'lib/liba.so', 'share/odd/x'],
    leftOut: ['odd-1.0.data/headers'],
  },
  scripts: {
    entries: [
      file('odd-1.0.data/scripts/plain', { text: '#!/bin/sh\nexit\n', mode: 0 }),
      file('odd-1.0.data/scripts/python', { text: '#!python -E\nimport odd\n' }),
      file('odd-1.0.data/scripts/pythonw', { text: '#!pythonw\r\nimport odd\r\n' }),
      file('odd-1.0.data/scripts/one-line', { text: '#!python', method: 0 }),
      file('odd-1.0.data/scripts/long', { text: `#!python\n${'x'.repeat(300)}`, times: 2000 }),
      file('odd-1.0.data/scripts/binary', { text: '\u007fELF#!python', times: 40_000 }),
      file('odd-1.0.data/scripts/none', { text: '' }),
      file('odd/tool', { text: '#!python\n', mode: 0o100755 }),
    ],
    files: [
      ...['bin/binary*', 'bin/long*', 'bin/none*', 'bin/one-line*'],
      ...['bin/plain*', 'bin/python*', 'bin/pythonw*', 'odd/tool*'],
    ],
    texts: {
      'bin/plain': '#!/bin/sh\nexit\n',
      'bin/python': '#!/opt/python/bin/python3\nimport odd\n',
      'bin/pythonw': '#!/opt/python/bin/python3\nimport odd\r\n',
      'bin/one-line': '#!/opt/python/bin/python3\n',
      'odd/tool': '#!python\n',
    },
  },
  'programs of entry points, before which scripts of their names give way': {
    entries: [
      points(
        '# comment\r\n[console_scripts]\r\nodd = odd.cli:main\n odd-two=odd:Cli.run [extra]\n' +
          '; x\n[odd.plugins]\nwhatever\n[ gui_scripts ]\nwindow = odd : show\n',
      ),
      file('odd-1.0.data/scripts/odd'),
      file('odd-1.0.data/scripts/odd.EXE'),
      file('odd-1.0.data/scripts/odd-two-script.py'),
      file('odd-1.0.data/scripts/other'),
      file('bin/more'),
    ],
    files: [
      ...['bin/more', 'bin/odd*', 'bin/odd-two*', 'bin/other*', 'bin/window*'],
      'odd-1.0.dist-info/entry_points.txt',
    ],
    texts: {
      'bin/odd': program('odd.cli', 'main', 'main'),
      'bin/odd-two': program('odd', 'Cli', 'Cli.run'),
      'bin/window': program('odd', 'show', 'show'),
    },
  },
};

/** Wheels that have none, and what both say. */
const bad: Record<string, { entries: OddEntry[]; why: RegExp }> = {
  'a link': { entries: [file('link', { mode: 0o120777 })], why: /it is a link/ },
  'a device': { entries: [file('null', { mode: 0o020666 })], why: /neither a file nor a folder/ },
  'a folder without a slash': {
    entries: [file('x', { mode: 0o040755 })],
    why: /neither a file nor/,
  },
  'a doubled name': { entries: [file('x'), file('x')], why: /would have it twice/ },
  'a name that is doubled by merging': {
    entries: [file('odd/x'), file('odd-1.0.data/purelib/odd/x')],
    why: /would have it twice/,
  },
  'a program and a file of one name': {
    entries: [points('[console_scripts]\nodd = odd:main'), file('bin/odd')],
    why: /would have it twice/,
  },
  'a file that is a folder': {
    entries: [file('x/y'), file('x')],
    why: /as a file and as a folder/,
  },
  'a folder that is a file': {
    entries: [file('x'), file('x/y')],
    why: /as a file and as a folder/,
  },
  'an absolute path': { entries: [file('/etc/x')], why: /its path is absolute/ },
  'a path upwards': { entries: [file('odd/../../x')], why: /a part that is "\.\.", "\." or empty/ },
  'a path upwards in data': { entries: [file('odd-1.0.data/data/../x')], why: /a part that is/ },
  'a part that is empty': { entries: [file('odd//x')], why: /a part that is/ },
  'a folder called "."': { entries: [file('./', { text: '' })], why: /a part that is/ },
  'a backslash': { entries: [file('odd\\x')], why: /has a backslash/ },
  'a NUL': {
    entries: [file('odd_x', { patch: { name: Buffer.from('odd\0x') } })],
    why: /has a control character/,
  },
  'a line break': { entries: [file('odd\nx')], why: /has a control character/ },
  'a control character beyond ASCII': { entries: [file('odd\u0085x')], why: /control character/ },
  'a name in code page 437': {
    entries: [file('odd_x', { patch: { name: Buffer.from('odd\x81x', 'latin1') } })],
    why: /not UTF-8/,
  },
  'a name that claims to be UTF-8': {
    entries: [file('oddéx', { patch: { name: Buffer.from('odd\xff\xffx', 'latin1') } })],
    why: /not UTF-8/,
  },
  'a long name': { entries: [file('x'.repeat(256))], why: /its name is too long/ },
  'a long path': { entries: [file(`${'x/'.repeat(2049)}x`)], why: /its name is too long/ },
  'an encrypted entry': { entries: [file('x', { patch: { flags: 1 } })], why: /it is encrypted/ },
  bzip2: { entries: [file('x', { method: 12 })], why: /its method is 12, neither stored/ },
  LZMA: { entries: [file('x', { method: 14 })], why: /its method is 14, neither stored/ },
  'data of another category': {
    entries: [file('odd-1.0.data/stubs/x')],
    why: /no category of data called "stubs"/,
  },
  'data of no category': { entries: [file('odd-1.0.data/x')], why: /no folder of a category/ },
  'two distributions': {
    entries: [file('other-1.0.dist-info/METADATA')],
    why: /one folder \.dist-info, and has 2/,
  },
  'a second distribution by merging': {
    entries: [file('odd-1.0.data/purelib/other-1.0.dist-info/METADATA')],
    why: /one folder \.dist-info, and has 2/,
  },
  'a wrong checksum': {
    entries: [file('x', { patch: { crc32: 1 } })],
    why: /its checksum is not what the archive says/,
  },
  'a size that is too small': {
    entries: [file('x', { patch: { size: 3 } })],
    why: /its size is not/,
  },
  'a size that is too large': {
    entries: [file('x', { patch: { size: 30 } })],
    why: /its size is not/,
  },
  'a stored size that is not that of the bytes': {
    entries: [file('x', { method: 0, patch: { size: 3 } })],
    why: /its size is not/,
  },
  'a large file with a size that is too small': {
    entries: [file('x', { times: 100_000, patch: { size: 400_000 } })],
    why: /its size is not/,
  },
  'packed bytes that go on after their end': {
    entries: [file('x', { patch: { packedSize: 40 } })],
    why: /its size is not/,
  },
  'packed bytes that end too early': {
    entries: [file('x', { patch: { packedSize: 3 } })],
    why: /its compressed bytes are damaged/,
  },
  'packed bytes that are none': {
    entries: [file('x', { patch: { content: 0xff } })],
    why: /its compressed bytes are damaged/,
  },
  'entries that share bytes': {
    entries: [file('x'), file('y', { patch: { offset: 1 } })],
    why: /its bytes are those of another entry, too/,
  },
  'another name at the bytes': {
    entries: [file('x', { patch: { localName: Buffer.from('y') } })],
    why: /its local header has another name/,
  },
  'more bytes than any wheel has': {
    entries: Array.from({ length: 5 }, (_, at) => file(`x${at}`, { patch: { size: 0xfffffffe } })),
    why: /its tree would have more than 17179869184 bytes/,
  },
  'an entry point without a function': {
    entries: [points('[console_scripts]\nodd = odd.cli\n')],
    why: /"odd = odd\.cli" is no entry point/,
  },
  'an entry point that runs code': {
    entries: [points('[console_scripts]\nodd = odd:main;import os\n')],
    why: /is no entry point/,
  },
  'an entry point in another folder': {
    entries: [points('[gui_scripts]\n../odd = odd:main\n')],
    why: /is no entry point/,
  },
  'an entry point twice': {
    entries: [points('[console_scripts]\nodd = odd:main\n[gui_scripts]\nodd = odd:show\n')],
    why: /it has the program odd twice/,
  },
  'entry points that are no text': {
    entries: [
      {
        ...points('\u007fx'),
        method: 0,
        patch: { content: 0xff, crc32: crc32(Buffer.from('\xffx', 'latin1')) },
      },
    ],
    why: /it is not UTF-8/,
  },
  'a script that is too long to be one': {
    entries: [file('odd-1.0.data/scripts/x', { text: '#!python\n', times: 2_000_000 })],
    why: /it is too long for a text/,
  },
};

describe('a wheel has the same tree here and by the script that Nix runs', () => {
  let folder = '';
  const wheelOf = (title: string) => join(folder, `${title.replace(/\W+/g, '_')}.whl`);
  const outOf = (title: string) => join(folder, `${title.replace(/\W+/g, '_')}.out`);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trees-'));
    const all = Object.entries<{ entries: OddEntry[] }>({ ...good, ...bad });
    makeOddWheels(new Map(all.map(([title, { entries }]) => [wheelOf(title), [info, ...entries]])));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [title, { files, texts = {}, leftOut = [] }] of Object.entries(good)) {
    test(title, async () => {
      const [wheel, out] = [wheelOf(title), outOf(title)];
      assert.deepEqual(await unpack(wheel, out), { code: 0, said: '' });
      const all = [info.name, ...files].sort();
      assert.deepEqual((await listing(out)).sort(), all);
      for (const [name, text] of Object.entries(texts)) {
        assert.equal(await readFile(join(out, name), 'utf8'), text);
      }
      assert.deepEqual(await hashTree(wheel, 'odd'), { unpacked: await narHash(out), leftOut });
    });
  }

  for (const [title, { why }] of Object.entries(bad)) {
    test(`${title} is refused`, async () => {
      const { code, said } = await unpack(wheelOf(title), outOf(title));
      assert.match(said, why);
      assert.equal(code, 1);
      await assert.rejects(hashTree(wheelOf(title), 'odd'), (error: unknown) => {
        assert.ok(error instanceof Failure, String(error));
        assert.match(error.message, why);
        return true;
      });
    });
  }
});

function unpack(wheel: string, out: string): Promise<{ code: unknown; said: string }> {
  return new Promise(resolve => {
    execFile('python3', [unpackWheel, wheel, out], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, said: stdout + stderr }),
    );
  });
}

/** Files, those that are executable with a "*"; folders that hold nothing with a "/". */
async function listing(root: string, at = ''): Promise<string[]> {
  const entries = await readdir(join(root, at), { withFileTypes: true });
  if (entries.length === 0) return [`${at}/`];
  const all = entries.map(async entry => {
    const path = join(at, entry.name);
    if (entry.isDirectory()) return listing(root, path);
    const { mode } = await stat(join(root, path));
    return [mode & 0o100 ? `${path}*` : path];
  });
  return (await Promise.all(all)).flat();
}
