// Numbers at their borders: what a header's fields hold, what goes beside them, and what is none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/host/limits.ts';
import {
  goDialect,
  headerSum,
  nixDialect,
  pythonDialect,
  type TarEntry,
  tarHeader,
} from '../../../src/image/tar-header.ts';
import { readTar, type TarMember } from '../../../src/image/tar-reader.ts';
import { streamOf } from './fixtures.ts';

const file: TarEntry = { type: 'file', path: 'x', mode: 0o644, size: 0 };

/** The members of these blocks, of whose content nothing is there. */
async function firstMember(...blocks: Buffer[]): Promise<TarMember> {
  for await (const { content: _, start: __, ...member } of readTar(streamOf(...blocks), 'x.tar')) {
    return member;
  }
  return assert.fail('it has no member');
}

/** Bytes for a header's field, at its place; the checksum is made right. */
function headerWith(fields: Record<number, string | Buffer>, entry = file): Buffer {
  const block = tarHeader(entry, nixDialect);
  for (const [at, value] of Object.entries(fields)) {
    Buffer.from(value as string, 'latin1').copy(block, Number(at));
  }
  block.fill(' ', 148, 156);
  block.write(`${headerSum(block).toString(8).padStart(6, '0')}\0`, 148, 'latin1');
  return block;
}

/** An extended header of this kind with this text. */
function extension(flag: string, text: string): Buffer {
  const size = text.length.toString(8).padStart(11, '0');
  const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  body.write(text, 'latin1');
  return Buffer.concat([headerWith({ 124: size, 156: flag }), body]);
}

const record = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  return (
    [1, 2, 3].map(digits => digits + rest.length).find(n => `${n}`.length + rest.length === n) +
    rest
  );
};

describe('what is written', () => {
  const fields = { uid: 108, gid: 116, size: 124, mtime: 136 } as const;
  const borders = { uid: 8 ** 7, gid: 8 ** 7, size: 8 ** 11, mtime: 8 ** 11 } as const;
  for (const [name, border] of Object.entries(borders) as [keyof typeof fields, number][]) {
    test(`the largest ${name} that fits is in its field, the next one beside it`, async () => {
      const at = fields[name];
      const width = border === 8 ** 7 ? 7 : 11;
      for (const dialect of [nixDialect, pythonDialect, goDialect]) {
        const fits = tarHeader({ ...file, [name]: border - 1 }, dialect);
        assert.equal(fits.length, 512);
        assert.equal(fits.toString('latin1', at, at + width + 1), `${'7'.repeat(width)}\0`);
        const over = tarHeader({ ...file, [name]: border }, dialect);
        assert.equal(over.length, 3 * 512);
        assert.ok(
          over
            .subarray(512)
            .toString('latin1')
            .startsWith(record(name, String(border))),
        );
        const rest = over.subarray(1024);
        assert.equal(rest.toString('latin1', at, at + width + 1), `${'0'.repeat(width)}\0`);
        assert.equal((await firstMember(over))[name], border);
      }
    });
  }

  test('a time before 1970 goes beside its field, 1970 into it', async () => {
    assert.equal(tarHeader({ ...file, mtime: 0 }, nixDialect).length, 512);
    const before = tarHeader({ ...file, mtime: -1 }, nixDialect);
    assert.equal((await firstMember(before)).mtime, -1);
  });

  test('the length of a record counts its own digits, also where they become more', () => {
    for (const length of [85, 86, 87, 88, 89, 90, 980, 981, 982, 983, 984, 985, 986, 987]) {
      const header = tarHeader({ ...file, target: 'n'.repeat(length + 100) }, nixDialect);
      const [, stated, rest] =
        /^(\d+)( linkpath=n+\n)\0/.exec(header.subarray(512).toString()) ?? [];
      assert.equal(Number(stated), `${stated}${rest}`.length);
    }
  });
});

describe('what is read', () => {
  const octal = (at: number, text: string) => ({ [at]: text.padEnd(12, '\0') });

  test('octal digits, with blanks and ends of any kind', async () => {
    for (const [text, size] of [
      ['00000000017\0', 15],
      ['       17 \0', 15],
      ['17', 15],
      ['777777777777', 8 ** 12 - 1],
      ['\0', 0],
      ['           ', 0],
    ] as const) {
      assert.equal((await firstMember(headerWith(octal(124, text)))).size, size, text);
    }
    for (const text of ['8', '-1', '1x', '0x7', '1 7', '1.']) {
      const header = headerWith(octal(124, text));
      await assert.rejects(
        firstMember(header),
        /x\.tar is damaged: the size of a member is no/,
        text,
      );
    }
  });

  test('sizes in base 256, up to the largest file', async () => {
    const base256 = (value: bigint) => {
      const bytes = Buffer.alloc(12);
      bytes.writeBigUInt64BE(value, 4);
      bytes[0] = 0x80;
      return headerWith({ 124: bytes });
    };
    const most = BigInt(limits.file);
    assert.equal((await firstMember(base256(258n))).size, 258);
    assert.equal((await firstMember(base256(most))).size, limits.file);
    await assert.rejects(firstMember(base256(most + 1n)), /the size of a member/);
    const negative = headerWith({ 136: Buffer.alloc(12, 0xff), 124: '00000000000' });
    assert.equal((await firstMember(negative)).mtime, -1, 'a time may be before 1970');
    await assert.rejects(firstMember(headerWith({ 124: Buffer.alloc(12, 0xff) })), /the size of/);
  });

  test('numbers of pax, up to the largest file', async () => {
    const member = (key: string, value: string) =>
      firstMember(extension('x', record(key, value)), headerWith({}));
    assert.equal((await member('size', String(limits.file))).size, limits.file);
    assert.equal((await member('uid', '0')).uid, 0);
    assert.equal((await member('mtime', '-1.5')).mtime, -1.5);
    for (const [key, value] of [
      ['size', String(limits.file + 1)],
      ['size', '-1'],
      ['size', '1.5'],
      ['gid', '1e3'],
      ['uid', ''],
      ['mtime', 'nan'],
      ['mtime', '1'.repeat(21)],
    ] as const) {
      const words = new RegExp(`the ${key} of a member is no number`);
      await assert.rejects(member(key, value), words, `${key}=${value}`);
    }
  });

  test('as many extended headers as there may be, and as large ones', async () => {
    const comment = extension('x', record('comment', 'c'));
    const many = (count: number) => Array.from({ length: count }, () => comment);
    const last = extension('x', record('path', 'named'));
    const most = [...many(limits.tarExtensions - 1), last, headerWith({})];
    assert.equal((await firstMember(...most)).path, 'named');
    await assert.rejects(firstMember(comment, ...most), /has too many extended headers/);
    const large = (size: number) => firstMember(extension('L', 'n'.repeat(size)), headerWith({}));
    assert.equal((await large(limits.tarExtension)).path.length, limits.tarExtension);
    await assert.rejects(large(limits.tarExtension + 1), /an extended header is too large/);
  });

  test('records that do not say their own length', async () => {
    for (const text of [
      '8 path=x\n',
      '11 path=x\n',
      '9 path=xy',
      '9.0 path=x\n',
      ' path=x\n',
      '9path=xx\n',
      '9 pathxx\n',
      '99999 path=x\n',
      '9 path=x\n3 \n',
      'x path=x\n',
      '-1 path=x\n',
      '0 path=x\n',
    ]) {
      const header = [extension('x', text), headerWith({})];
      await assert.rejects(firstMember(...header), /an extended header is malformed/, text);
    }
    const right = extension('x', '9 path=x\n11 size=12\n17 comment=a=b=\n\n');
    assert.deepEqual((await firstMember(right, headerWith({ 0: 'short' }))).path, 'x');
  });

  test('what an extended header says holds for the member after it alone', async () => {
    const paths: string[] = [];
    const blocks = [extension('x', record('path', 'long')), headerWith({}), headerWith({})];
    const end = Buffer.alloc(1024);
    for await (const { path } of readTar(streamOf(...blocks, end), 'x')) paths.push(path);
    assert.deepEqual(paths, ['long', 'x']);
  });

  test('kinds of members, and which of them have content', async () => {
    const size = '00000000005\0';
    const kind = async (flag: string, path = 'x') => {
      const member = await firstMember(headerWith({ 0: path, 124: size, 156: flag, 157: 'to' }));
      return `${member.type} ${member.size} ${member.path}`;
    };
    assert.equal(await kind('0'), 'file 5 x');
    assert.equal(await kind('\0'), 'file 5 x');
    assert.equal(await kind('7'), 'file 5 x');
    assert.equal(await kind('1'), 'hardlink 0 x');
    assert.equal(await kind('2'), 'symlink 0 x');
    assert.equal(await kind('5'), 'directory 0 x');
    assert.equal(await kind('3'), 'other 5 x');
    assert.equal(await kind('0', 'x//'), 'directory 0 x');
    assert.equal(await kind('2', 'x/'), 'symlink 0 x');
  });

  test("GNU's own headers have no prefix, and may have long names before them", async () => {
    const gnu = { 257: 'ustar  \0', 345: 'other things' };
    assert.equal((await firstMember(headerWith({ 0: 'name', ...gnu }))).path, 'name');
    assert.equal((await firstMember(headerWith({ 0: 'name', 345: 'pre' }))).path, 'pre/name');
    const long = [
      extension('L', 'long\0rest'),
      extension('K', 'target\0'),
      headerWith({ 156: '2' }),
    ];
    const { path, target } = await firstMember(...long);
    assert.deepEqual([path, target], ['long', 'target']);
    const git = [extension('g', record('comment', 'commit')), headerWith({})];
    assert.equal((await firstMember(...git)).path, 'x');
  });

  test('a checksum that is wrong by one is seen', async () => {
    const header = headerWith({});
    header[0] = 0x79;
    await assert.rejects(firstMember(header), /does not have the checksum/);
  });
});
