import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreeingWithStore } from '../../../src/commands/build/agreement.ts';
import type { KnownBlob } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { rememberedOutput } from '../../tools/remembered.ts';
import { storePath } from '../../tools/stand-in-store.ts';

const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';

function knowing(closures: Record<string, string[]>) {
  const outputs = Object.entries(closures).map(([name, closure], at) => {
    const digest = `sha256:${String(at).repeat(64)}`;
    const paths = [storePath(name)];
    const sizes = { size: 1, uncompressedSize: 1 };
    const blob: KnownBlob = { key: name, digest, diffId: digest, ...sizes, mediaType: zstd, paths };
    return rememberedOutput(storePath(name), closure.map(storePath), [blob]);
  });
  const images = [{ outputs, blobs: outputs.flatMap(({ blobs }) => blobs), roots: [] }];
  const evidence = {
    image: async () => undefined,
    isStated: async () => false,
    isContent: async () => false,
    lastLayer: async () => undefined,
  };
  return arrangeKnowledge([{ memory: { images }, evidence }], zstd);
}

/** What the store has: outputs with the paths of their closures. */
const store = (closures: Record<string, string[]>) =>
  new Map(
    Object.entries(closures).map(([name, closure]) => [
      storePath(name),
      closure.map(each => ({ path: storePath(each), narSize: 1 })),
    ]),
  );

test('a closure that the store knows otherwise is forgotten with its blobs, and no other', () => {
  const knowledge = knowing({
    base: ['base'],
    app: ['app'],
    more: ['more', 'base', 'x'],
    gone: ['gone'],
  });
  const here = store({
    base: ['base'],
    app: ['app', 'base'],
    more: ['base', 'more'],
    new: ['new'],
  });
  const agreeing = agreeingWithStore(knowledge, here);
  const known = ['base', 'app', 'more', 'gone', 'new'].map(name => [
    agreeing.closureOf(storePath(name)) !== undefined,
    agreeing.carriersOf(storePath(name)).length,
  ]);
  assert.deepEqual(known, [
    [true, 1],
    [false, 0],
    [false, 0],
    [true, 1],
    [false, 0],
  ]);
});

test('knowledge that the store does not contradict stays as it is', () => {
  const knowledge = knowing({ app: ['app', 'base'] });
  assert.equal(agreeingWithStore(knowledge, store({})), knowledge);
  assert.equal(agreeingWithStore(knowledge, store({ app: ['base', 'app'] })), knowledge);
});
