import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { storeEntries } from '../../../src/image/store-tree.ts';
import { nixDialect, pythonDialect, type TarEntry } from '../../../src/image/tar-header.ts';
import { readTar, type TarMember } from '../../../src/image/tar-reader.ts';
import { tarBytes, tarSize } from '../../../src/image/tar-writer.ts';
import { allBytes, collect, streamOf, temporaryFolder } from './fixtures.ts';

async function members(tar: Buffer) {
  const found: (TarMember & { bytes: Buffer })[] = [];
  for await (const member of readTar(streamOf(tar), 'tar')) {
    found.push({ ...member, bytes: await collect(member.content()) });
  }
  return found;
}

const byteName = fc
  .uint8Array({ minLength: 1, maxLength: 140 })
  .map(bytes =>
    Buffer.from(bytes.map(byte => (byte === 0 || byte === 0x2f ? 0x61 : byte))).toString('latin1'),
  )
  .filter(name => name !== '.' && name !== '..');
const unicodeName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 90 })
  .map(text => Buffer.from(text.replace(/[/\0]/g, '-')).toString('latin1'));
const path = fc
  .array(fc.oneof(byteName, unicodeName), { minLength: 1, maxLength: 5 })
  .map(parts => parts.join('/'));
const owner = { uid: fc.nat(5_000_000), gid: fc.nat(2_097_151), mtime: fc.nat(2 ** 34) };
const entry: fc.Arbitrary<TarEntry> = fc.oneof(
  fc.record({
    type: fc.constant('directory' as const),
    path,
    mode: fc.nat(0o7777),
    size: fc.constant(0),
    ...owner,
  }),
  fc.record({
    type: fc.constant('symlink' as const),
    path,
    mode: fc.constant(0o777),
    size: fc.constant(0),
    target: path,
    ...owner,
  }),
);

test('what is written is read back, in both dialects', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 8 }),
      fc.integer({ min: 1, max: 3000 }),
      async (entries, size) => {
        for (const dialect of [nixDialect, pythonDialect]) {
          const tar = await allBytes(tarBytes(entries, dialect), size);
          assert.equal(tar.length, tarSize(entries, dialect));
          assert.deepEqual(
            (await members(tar)).map(({ type, path, mode, uid, gid, mtime, target }) => ({
              type,
              path,
              mode,
              uid,
              gid,
              mtime,
              target,
            })),
            entries.map(({ type, path, mode, uid, gid, mtime, target = '' }) => ({
              type,
              path: dialect.rootPrefix + path,
              mode,
              uid,
              gid,
              mtime,
              target,
            })),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

function smallStore(root: string): string {
  const path = `${root}/aaaa-pkg`;
  mkdirSync(`${path}/bin`, { recursive: true });
  writeFileSync(`${path}/bin/run`, '#!/bin/sh\n');
  chmodSync(`${path}/bin/run`, 0o755);
  writeFileSync(`${path}/data`, Buffer.alloc(3000, 'data'));
  symlinkSync('bin', `${path}/sbin`);
  return path;
}

test('a layer of store paths: parents first, sorted, canonical', async t => {
  const root = temporaryFolder(t);
  const path = smallStore(root);
  const tar = await allBytes(tarBytes(storeEntries([path], nixDialect, root), nixDialect), 700);
  const found = await members(tar);
  const relative = root.slice(1);
  const parents = relative.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/'));
  assert.deepEqual(
    found.map(({ path, mode }) => [path, mode.toString(8)]),
    [
      ...parents.map(parent => [parent, '755']),
      [`${relative}/aaaa-pkg`, '555'],
      [`${relative}/aaaa-pkg/bin`, '555'],
      [`${relative}/aaaa-pkg/bin/run`, '555'],
      [`${relative}/aaaa-pkg/data`, '444'],
      [`${relative}/aaaa-pkg/sbin`, '777'],
    ],
  );
  assert.ok(found.every(({ uid, gid, mtime }) => uid === 0 && gid === 0 && mtime === 1));
  assert.equal(
    found.find(({ path }) => path.endsWith('/data'))?.bytes.toString(),
    'data'.repeat(750),
  );
});

test('long ASCII names need no extended header, others do', async () => {
  const folder = (path: string): TarEntry => ({ type: 'directory', path, mode: 0o755, size: 0 });
  const size = (path: string) => tarSize([folder(path)], nixDialect) - 1024;
  assert.equal(size(`${'a'.repeat(150)}/${'b'.repeat(99)}`), 512);
  assert.equal(size(`${'a'.repeat(150)}/${'b'.repeat(100)}`), 3 * 512);
  assert.equal(size('b'.repeat(100)), 3 * 512);
  assert.equal(size('\xc3\xa9'), 3 * 512);
});

async function reading(path: string, change: () => void): Promise<Buffer> {
  const source = tarBytes(storeEntries([path], nixDialect, '/s'), nixDialect);
  // the parent, the tree's folder, its bin, run's header, content and padding; then data's header
  await source.fill(Buffer.alloc(512 * 7 + 100));
  change();
  try {
    return await allBytes(source);
  } finally {
    await source.close();
  }
}

test('a file that changes while it is read is named', async t => {
  const path = smallStore(temporaryFolder(t));
  await reading(path, () => undefined);
  await assert.rejects(
    reading(path, () => appendFileSync(`${path}/data`, 'more')),
    /\/data changed/,
  );
  await assert.rejects(
    reading(path, () => utimesSync(`${path}/data`, 9, 9)),
    /\/data changed/,
  );
  await assert.rejects(
    reading(path, () => writeFileSync(`${path}/data`, '')),
    /\/data changed/,
  );
});

test('a path that vanished and one that no image can hold are named', async t => {
  const root = temporaryFolder(t);
  const path = smallStore(root);
  const entries = storeEntries([path], nixDialect, '/s');
  entries.next();
  rmSync(path, { recursive: true });
  assert.throws(() => [...entries], /aaaa-pkg vanished/);
  const server = createServer().listen(`${root}/socket`);
  await once(server, 'listening');
  assert.throws(
    () => [...storeEntries([`${root}/socket`], nixDialect)],
    /socket is a socket, device or pipe/,
  );
  server.close();
});

test('a tar that is cut or damaged is an error', async t => {
  const path = smallStore(temporaryFolder(t));
  const tar = await allBytes(tarBytes(storeEntries([path], nixDialect, '/s'), nixDialect));
  await assert.rejects(members(tar.subarray(0, tar.length - 1024)), /tar ends too early/);
  await assert.rejects(members(tar.subarray(0, 2000)), /tar ends too early/);
  const flipped = Buffer.from(tar);
  flipped[520] = 1;
  await assert.rejects(members(flipped), /tar is damaged: a header/);
});
