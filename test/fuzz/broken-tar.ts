import fc from 'fast-check';
import { blockSize, headerSum, padding } from '../../src/image/tar-header.ts';

const octal = (size: number) => Buffer.from(`${size.toString(8).padStart(11, '0')}\0`);

const wrongNumbers = [
  ...['99999999999\0', '-0000000001\0', '            ', 'abc\0', '77777777777\0'].map(text =>
    Buffer.from(text),
  ),
  Buffer.alloc(12, 0xff),
  Buffer.from('800000000000000000000400', 'hex'),
  Buffer.from('80ffffffffffffffffffffff', 'hex'),
];

const paxValues = ['-1536', '-1', 'abc', '', '1e308', 'Infinity', '10.5', '0x200', '3', '512'];
const names = ['manifest.json', 'c.json', 'l.tar', 'a/b/', './l.tar', '//[', '..', '__proto__', ''];

const pax = fc
  .array(
    fc.tuple(
      fc.constantFrom('size', 'path', 'linkpath', 'uid', 'mtime', '__proto__', 'comment'),
      fc.oneof(
        fc.constantFrom(...paxValues, String(2 ** 60), ...names),
        fc.string({ maxLength: 9 }),
      ),
    ),
    { maxLength: 3 },
  )
  .chain(records => {
    const body = Buffer.from(
      records.map(([key, value]) => paxRecord(key, value)).join(''),
      'latin1',
    );
    return fc.oneof(
      { weight: 4, arbitrary: fc.constant(body) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) },
    );
  });

/** A record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
}

/** A member as its header says it, be that right or not. */
export interface RawMember {
  name: string;
  flag: string;
  target?: string;
  /** The header's field; that of the body where there is none. */
  size?: Buffer | undefined;
  body?: Buffer;
}

const member = (contents: readonly Buffer[]) =>
  fc.record<Required<RawMember>>({
    name: fc.constantFrom(...names),
    flag: fc.constantFrom('0', '0', '\0', '1', '2', '5', 'S', 'L', 'K', 'g'),
    target: fc.constantFrom(...names),
    size: fc.option(fc.constantFrom(...wrongNumbers), { nil: undefined, freq: 4 }),
    body: fc.constantFrom(Buffer.alloc(0), Buffer.from('{}'), ...contents),
  });

const extension = pax.map(
  (body): RawMember => ({ name: 'PaxHeader', flag: 'x', target: '', size: undefined, body }),
);

/** The member's blocks, with a right checksum. */
export function packed({
  name,
  flag,
  target = '',
  size,
  body = Buffer.alloc(0),
}: RawMember): Buffer {
  const header = Buffer.alloc(blockSize);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  (size ?? octal(body.length)).copy(header, 124);
  header.write('00000000000\0        ', 136, 'latin1');
  header.write(flag, 156, 1, 'latin1');
  header.write(target, 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${headerSum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc(padding(body.length))]);
}

/**
 * Tars near to right ones, with right checksums: numbers, names, links and extended headers that
 * nobody writes by mistake. Some are cut, some have bytes exchanged.
 */
export function brokenTar(right: Buffer, contents: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const members = fc.array(fc.oneof(member(contents), extension), { maxLength: 6 });
  const tars = fc
    .tuple(members, fc.boolean())
    .map(([list, rightToo]) =>
      Buffer.concat([...list.map(packed), rightToo ? right : Buffer.alloc(2 * blockSize)]),
    );
  return fc.oneof(
    { weight: 5, arbitrary: tars },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tars, fc.nat())
        .map(([tar, at]) => tar.subarray(0, at % Math.max(1, tar.length))),
    },
    { weight: 2, arbitrary: damagedBytes(right) },
  );
}

/** The same bytes with some exchanged, and perhaps cut. */
export function damagedBytes(right: Buffer): fc.Arbitrary<Buffer> {
  const edit = fc.tuple(fc.nat(Math.max(0, right.length - 1)), fc.nat(255));
  return fc
    .tuple(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(2 * right.length))
    .map(([edits, length]) => {
      const bytes = Buffer.from(right);
      for (const [at, byte] of edits) bytes[at] = byte;
      return bytes.subarray(0, length);
    });
}
