// Who only reads asks for no right to write, whatever the login could do.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDestination, openRepository } from '../../../src/commands/build/destination.ts';
import { recall } from '../../../src/commands/build/recall.ts';
import { copy } from '../../../src/commands/copy.ts';
import type { BuildSettings, CopySettings } from '../../../src/inputs/settings.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistryStandIn } from '../../tools/registry-stand-in.ts';
import { pushImage } from '../../tools/test-image.ts';

/** A registry that wants tokens, with an image in the repository `o/base`. */
async function registryWithImage(context: TestContext) {
  const registry = await startRegistryStandIn();
  context.after(registry.stop);
  const reference = parseReference(`${registry.address}/o/base`);
  const store = remoteStore(reference, { host: quietHost(), credentials: {} });
  await pushImage(store, [layerOf(noise(1000, 1))], ['x']);
  await store.close();
  registry.behaviour.wantsTokens = true;
  return registry;
}

const settings = {
  tags: [],
  credentials: {},
  workingDirectory: '/',
  cacheFrom: [],
  insecureRegistries: [],
};
const identity = { name: 'x', tag: 't', architecture: 'amd64', hasRecipe: true };
const place = { name: 'x', storeDir: '/nix/store', architecture: 'amd64', targets: [], shared: [] };

test('the source of a copy is read, its destination written', async t => {
  const registry = await registryWithImage(t);
  const folder = mkdtempSync(join(tmpdir(), 'reading-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const copied = (image: string) => {
    const given = {
      ...settings,
      compression: 'zstd',
      fromFork: false,
      platform: undefined,
      writeMemory: true,
      all: false,
    } as const;
    const destination = { image, tags: [] };
    const all: CopySettings = { ...given, source: `${registry.address}/o/base:x`, destination };
    return copy(all, quietHost());
  };
  await copied(`oci:${folder}/out`);
  assert.deepEqual([...new Set(registry.scopes)], ['repository:o/base:pull']);
  registry.scopes.length = 0;
  await copied(`${registry.address}/o/other`);
  assert.deepEqual([...new Set(registry.scopes)].sort(), [
    'repository:o/base:pull',
    'repository:o/other:pull,push',
  ]);
});

test('the memory of the image is written, unless nothing is pushed, and that of others read', async t => {
  const registry = await registryWithImage(t);
  const scopes = async (push: boolean) => {
    registry.scopes.length = 0;
    const image = `${registry.address}/o/mine`;
    const cacheFrom = [`${registry.address}/o/base:x`];
    const all = { ...settings, image, cacheFrom, push, compression: 'zstd' } as unknown;
    const given = all as BuildSettings;
    const repository = openRepository(given, quietHost());
    const destination = openDestination(given, identity, quietHost(), repository);
    const { forget } = await recall(destination, given, place, quietHost());
    await forget();
    await repository?.close();
    return [...new Set(registry.scopes)].sort();
  };
  assert.deepEqual(await scopes(true), ['repository:o/base:pull', 'repository:o/mine:pull,push']);
  assert.deepEqual(await scopes(false), ['repository:o/base:pull', 'repository:o/mine:pull']);
});
