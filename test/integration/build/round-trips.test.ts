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
const ahead = [Array(12).fill('connect'), ['POST upload']];

/** The memory and the tag's image; then the memory's document, the last record, that image's config and its layers. */
const recalled = [
  ['GET cu130', 'GET memory', 'GET memory.1'],
  ['GET blob', 'GET blob', 'GET blob', ...Array(7).fill('HEAD blob')],
];

test('of an unchanged image only the memory and the tag are asked for', async t => {
  const { build } = await scene(t);
  assert.deepEqual(await build(), [...ahead, ...recalled]);
});

/**
 * Without the question for what is kept of the image before, which tells why something is made: it is asked
 * beside the build, whenever Nix has said what it does, and nobody waits for the answer.
 */
function withoutWhy(sequence: readonly string[][]): string[][] {
  const ofRoot = sequence.findIndex((asked, at) => at >= 4 && asked.includes('GET blob'));
  let isSeen = false;
  const others = sequence.map((asked, at) =>
    asked.filter((name, place) => {
      const isWhy =
        !isSeen &&
        name === 'GET blob' &&
        (at > ofRoot || asked.indexOf('GET blob') < place) &&
        at >= ofRoot;
      isSeen ||= isWhy;
      return !isWhy;
    }),
  );
  assert.ok(isSeen, JSON.stringify(sequence));
  return others.filter(asked => asked.length > 0);
}

test('one changed layer is sent with the layer of links, config and memory are side by side', async t => {
  const { example, build } = await scene(t);
  await appendFile(join(example.folder, 'app/main'), '\n# another\n');
  const sequence = withoutWhy(await build());
  const layersAreThere = 7;
  assert.deepEqual(sequence.slice(0, layersAreThere), [
    ...ahead,
    ...recalled,
    // what the layer of links was made of is compared with it
    ['GET blob'],
    // both are small
    ['POST upload', 'POST upload'],
    ['PUT upload', 'PUT upload'],
  ]);
  // the image and the memory, side by side: neither waits for the other until their tags move
  const rest = sequence.slice(layersAreThere);
  assert.deepEqual(rest.flat().toSorted(), [
    ...['GET manifest', 'GET memory', 'GET memory', 'HEAD blob'],
    ...['POST upload', 'POST upload', 'POST upload', 'POST upload', 'PUT cu130', 'PUT manifest'],
    ...['PUT manifest', 'PUT memory', 'PUT upload', 'PUT upload', 'PUT upload', 'PUT upload'],
  ]);
  assert.deepEqual(rest.at(-1), ['GET memory'], 'after a pause');
  // 5 and that one; what packs the record on a busy machine may come later by one
  assert.ok(rest.length <= 7, JSON.stringify(rest));
});
