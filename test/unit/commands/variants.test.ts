import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recallVariants } from '../../../src/commands/build/variants.ts';
import { Failure } from '../../../src/host/failure.ts';
import { newestMemories } from '../../../src/registry/memory/numbered.ts';
import type { ImageStore } from '../../../src/registry/store.ts';

const own = { name: 'comfyui', cacheTag: 'cache-comfyui-cu130-py312-amd64' };

/** Which memories are asked for; `lacking`: after how many of them something is lacking still. */
async function asked(tags: readonly string[] | Failure, lacking = 99, variant = own) {
  const read: string[] = [];
  const store = {
    repository: 'r.example/o/comfyui',
    tagsWith: async (start: string) => {
      read.push(`list ${start}`);
      if (tags instanceof Failure) throw tags;
      return tags.filter(tag => tag.startsWith(start));
    },
    getManifest: async (tag: string) => {
      read.push(tag);
      throw new Failure('it cannot be read');
    },
  } as unknown as ImageStore;
  const reading = { storeDir: '/nix/store', architecture: 'amd64' };
  const isLacking = () => read.length <= lacking;
  const found = await recallVariants(store, variant, reading, isLacking);
  return { read: read.map(tag => tag.replace('cache-comfyui-', '')), found };
}

test('variants are read from the nearest on, at most eight, and no memory but theirs', async () => {
  const variants = ['cu126-py312', 'cu130-py313', 'cu130-py312', 'cu130-py314', 'rocm'];
  const tags = [
    ...variants.map(each => `cache-comfyui-${each}-amd64`),
    ...['cache-comfyui-cu130-py312-arm64', 'cache-other-cu130-py312-amd64', 'cu130', 'latest'],
  ];
  const near = ['cu130-py314', 'cu130-py313', 'cu126-py312', 'rocm'];
  const list = 'list ';
  assert.deepEqual((await asked(tags)).read, [list, ...near.map(each => `${each}-amd64`)]);
  const most = Array.from({ length: 20 }, (_, at) => `cache-comfyui-v${at + 10}-amd64`);
  const { read } = await asked(most);
  assert.equal(read.length, 1 + 8);
  assert.deepEqual(read.slice(1, 3), ['v29-amd64', 'v28-amd64']);
});

test('nothing is asked where nothing is lacking, and one is where that has it', async () => {
  const tags = ['a', 'b', 'c'].map(each => `cache-comfyui-${each}-amd64`);
  assert.deepEqual((await asked(tags, -1)).read, []);
  assert.equal((await asked(tags, 1)).read.length, 1 + 1);
  assert.equal((await asked(tags, 2)).read.length, 1 + 3);
});

test('what cannot be listed or read teaches nothing', async () => {
  const { read, found } = await asked(new Failure('no listing'));
  assert.deepEqual([read.length, found], [1, []]);
});

test('where tags do not move, the newest of a variant is read, and none of its own', async () => {
  const first = (variant: string) => `cache-comfyui-${variant}-amd64`;
  const tags = [
    first('a'),
    `${first('a')}.2`,
    `${first('a')}.10`,
    `${first('b')}.1`,
    `${own.cacheTag}.3`,
  ];
  const { read } = await asked([...tags, `${first('a')}.x`]);
  assert.deepEqual(read.slice(1).sort(), ['a-amd64.10', 'b-amd64.1']);
  const odd = newestMemories(['cache-v1.5-amd64', 'v.1'], tag => tag.endsWith('amd64'));
  assert.deepEqual(odd, [{ first: 'cache-v1.5-amd64', newest: 'cache-v1.5-amd64' }]);
});
