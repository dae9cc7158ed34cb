import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { entriesBlobSource, storeBlobSource } from '../../../src/image/blob-sources.ts';
import { framePool } from '../../../src/image/frames.ts';
import { rootEntries } from '../../tools/root-entries.ts';
import { collect, hashed, temporaryFolder } from './fixtures.ts';

const zstd = { compression: 'zstd', pool: framePool(1) } as const;
const none = { ...zstd, compression: 'none' } as const;

test('a name that engines take for a whiteout is refused by its path, wherever it stands', async t => {
  const store = temporaryFolder(t);
  const path = `${store}/${hashed('x')}`;
  mkdirSync(`${path}/share/.wh.folder`, { recursive: true });
  const expected = /No layer can hold .*\/share\/\.wh\.folder: its name begins with/;
  await assert.rejects(
    collect(storeBlobSource([path], zstd, { storeDir: store }).open()),
    expected,
  );
  assert.throws(() => storeBlobSource([path], none, { storeDir: store }), expected);
  const tree = { share: { '.wh..wh..opq': 0 } } as const;
  const root = rootEntries([{ outPath: path, tree }], []);
  await assert.rejects(
    collect(entriesBlobSource(() => root, zstd).open()),
    /No layer can hold share\/\.wh\.\.wh\.\.opq/,
  );
});

test('a name that only looks like a whiteout is kept', async t => {
  const store = temporaryFolder(t);
  const path = `${store}/${hashed('x')}`;
  mkdirSync(path);
  for (const name of ['a.wh.b', '.wh', '.whx', '.WH.x']) writeFileSync(`${path}/${name}`, '');
  const blob = storeBlobSource([path], none, { storeDir: store }).open();
  const text = (await collect(blob)).toString('latin1');
  for (const name of ['a.wh.b', '.wh', '.whx', '.WH.x'])
    assert.ok(text.includes(`/${name}\0`), name);
});
