import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { areNumbered, newestNumber, numberedTag } from '../../../src/registry/memory/numbered.ts';
import type { ImageStore, StoredManifest } from '../../../src/registry/store.ts';

const stored: StoredManifest = { bytes: Buffer.from('{}'), mediaType: '', digest: '' };

/** A repository of these tags, or one that answers each question with an error. */
const storeWith = (tags: readonly string[] | Error): ImageStore => {
  const told = async () => {
    if (tags instanceof Error) throw tags;
    return tags;
  };
  return {
    getManifest: async (tag: string) => ((await told()).includes(tag) ? stored : undefined),
    tagsWith: async (start: string) => (await told()).filter(tag => tag.startsWith(start)),
  } as Partial<ImageStore> as ImageStore;
};

test('the first number tells that there are numbers', async () => {
  assert.equal(await areNumbered(storeWith(['cache', 'cache.1']), 'cache'), true);
  assert.equal(await areNumbered(storeWith(['cache', 'cache.2']), 'cache'), false);
  const { tagsWith: _, ...layout } = storeWith(['cache', 'cache.1']);
  assert.equal(await areNumbered(layout, 'cache'), false, 'where tags can be moved');
});

test('the newest is the highest that is a number of this tag', async () => {
  const tags = ['cache', 'cache.2', 'cache.10', 'cache.011', 'cache.12x', 'cachet.13', 'cache.1e3'];
  assert.equal(await newestNumber(storeWith(tags), 'cache', 1), 10);
  assert.equal(await newestNumber(storeWith(tags), 'cache', 11), 11, 'one that is known');
  assert.equal(await newestNumber(storeWith([]), 'cache', 1), 1);
  const long = 'c'.repeat(128);
  const cut = [numberedTag(long, 7), `${'c'.repeat(127)}.9`];
  assert.equal(cut[0]?.length, 128);
  assert.equal(await newestNumber(storeWith(cut), long, 1), 7);
});

test('a registry that does not tell is taken to have what is known, and an interrupt ends it', async () => {
  const refusing = storeWith(new Failure('403'));
  assert.equal(await areNumbered(refusing, 'cache'), false);
  assert.equal(await newestNumber(refusing, 'cache', 3), 3);
  const stopped = storeWith(new Error('interrupted'));
  await assert.rejects(areNumbered(stopped, 'cache'), /interrupted/);
  await assert.rejects(newestNumber(stopped, 'cache', 3), /interrupted/);
});
