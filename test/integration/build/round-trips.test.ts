import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startRegistry } from '../../tools/registry.ts';
import { startFarRegistry } from '../../tools/round-trips.ts';
import { copyExample } from './hermetic-example.ts';
import { freshMachine } from './machine.ts';

/** The example, built once, and builds of it on other machines: what each asks of a registry far away. */
async function scene(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const far = await startFarRegistry(registry.address);
  t.after(() => far.stop());
  const example = await copyExample(t);
  const build = async (address: string) => {
    const machine = await freshMachine(t);
    const { code, stderr } = await machine.build(example, ['--image', `${address}/comfy/demo`]);
    assert.equal(code, 0, stderr);
    return far.sequence();
  };
  await build(registry.address);
  return { example, build: () => build(far.address) };
}

/** While Nix evaluates: may be written there? */
const ahead = [Array(6).fill('connect'), ['POST upload']];

/** The memory, the image that the tag names, the memory's document and that image's config. */
const recalled = [
  ['GET cu130', 'GET memory', 'GET memory.1'],
  ['GET blob', 'GET blob'],
];

test('of an unchanged image only the memory and the tag are asked for', async t => {
  const { build } = await scene(t);
  assert.deepEqual(await build(), [...ahead, ...recalled]);
});

test('one changed layer is sent with the layer of links, config and memory are side by side', async t => {
  const { example, build } = await scene(t);
  await appendFile(join(example.folder, 'app/main'), '\n# another\n');
  assert.deepEqual(await build(), [
    ...ahead,
    ...recalled,
    // five layers are there; what the layer of links was made of is compared with it
    ['GET blob', ...Array(5).fill('HEAD blob')],
    // both are small
    ['POST upload', 'POST upload'],
    ['PUT upload', 'PUT upload'],
    // image's config, memory's document, record; the memory's config is there
    ['HEAD blob', 'POST upload', 'POST upload', 'POST upload'],
    ['PUT upload', 'PUT upload', 'PUT upload'],
    ['PUT manifest', 'PUT manifest'],
    ['GET manifest', 'GET memory'],
    ['PUT cu130', 'PUT memory'],
    // after a pause, in which the program has nothing else to do
    ['GET memory'],
  ]);
});
