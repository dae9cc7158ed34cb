import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMounted } from '../../../src/commands/send-image.ts';
import type { ImageStore } from '../../../src/registry/store.ts';

test('a blob is mounted from another place of the same registry, and from no other registry', async () => {
  const asked: string[] = [];
  const store = (registry?: string) =>
    ({
      ...(registry === undefined ? {} : { place: { registry, repository: 'o/here' } }),
      mountBlob: async (_, repository) => {
        asked.push(repository);
        return true;
      },
    }) as Pick<ImageStore, 'place' | 'mountBlob'> as ImageStore;
  const from = { registry: 'r.example', repository: 'o/base' };
  assert.equal(await isMounted('sha256:1', from, store('r.example')), true);
  assert.deepEqual(asked, ['o/base']);
  assert.equal(await isMounted('sha256:1', from, store('r.example.org')), false);
  assert.equal(await isMounted('sha256:1', from, store()), false);
  assert.equal(await isMounted('sha256:1', undefined, store()), false);
  assert.equal(asked.length, 1);
});
