import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreeingWithStore, closuresInStore } from '../../../src/commands/build/agreement.ts';
import type { Command } from '../../../src/host/process.ts';
import type { DerivationOutput, Nix } from '../../../src/nix/types.ts';
import type { KnownBlob } from '../../../src/registry/memory.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { quietHost } from '../../tools/host.ts';

const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';

/** A Nix whose store has these paths, by their references. */
function nixWith(references: Record<string, string[]>) {
  const asked: string[] = [];
  const run = async ({ args }: Command) => {
    const paths = args.filter(arg => arg.startsWith('/nix/store/'));
    const names = paths.map(path => path.slice(storePath('').length));
    asked.push(args.filter(arg => arg.startsWith('--')).join(' '));
    const reached = new Set(names);
    for (const name of reached) for (const each of references[name] ?? []) reached.add(each);
    const lines = args.includes('--print-invalid')
      ? names.filter(name => !(name in references)).map(storePath)
      : args.includes('--requisites')
        ? [...reached].map(storePath)
        : names.flatMap(name => {
            const to = (references[name] ?? []).map(storePath);
            return [storePath(name), '0'.repeat(64), '100', '', String(to.length), ...to];
          });
    return { code: 0, stdout: lines.map(line => `${line}\n`).join(''), stderr: '' };
  };
  const host = quietHost({ run });
  const nix = { bin: '/bin', version: '2.34.8', storeDir: '/nix/store', env: {}, host } as Nix;
  return { nix, asked };
}

function knowing(closures: Record<string, string[]>) {
  const outputs = Object.entries(closures).map(([name, closure], at) => {
    const digest = `sha256:${String(at).repeat(64)}`;
    const paths = [storePath(name)];
    const sizes = { size: 1, uncompressedSize: 1 };
    const blob: KnownBlob = { key: name, digest, diffId: digest, ...sizes, mediaType: zstd, paths };
    return { outPath: storePath(name), closure: closure.map(storePath), blobs: [blob] };
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

const outputs = (...names: string[]): DerivationOutput[] =>
  names.map(name => ({ drvPath: '', outputName: 'out', outPath: storePath(name) }));

test('a closure that the store knows otherwise is forgotten with its blobs, and no other', async () => {
  const knowledge = knowing({
    base: ['base'],
    app: ['app'],
    more: ['more', 'base', 'x'],
    gone: ['gone'],
  });
  const { nix } = nixWith({ base: [], app: ['base'], more: ['base'] });
  const agreeing = await agreeingWithStore(knowledge, outputs('base', 'app', 'more', 'gone'), nix);
  const known = ['base', 'app', 'more', 'gone'].map(name => [
    agreeing.closureOf(storePath(name)) !== undefined,
    agreeing.carriersOf(storePath(name)).length,
  ]);
  assert.deepEqual(known, [
    [true, 1],
    [false, 0],
    [false, 0],
    [true, 1],
  ]);
});

test('a store that has nothing is asked once, and none where nothing is remembered', async () => {
  const knowledge = knowing({ app: ['app'] });
  const empty = nixWith({});
  assert.equal(await agreeingWithStore(knowledge, outputs('app', 'other'), empty.nix), knowledge);
  assert.deepEqual(empty.asked, ['--check-validity --print-invalid']);
  const unasked = nixWith({});
  assert.equal((await closuresInStore(knowing({}), outputs('app'), unasked.nix)).size, 0);
  assert.deepEqual(unasked.asked, []);
});
