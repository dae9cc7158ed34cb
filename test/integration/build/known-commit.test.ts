// A commit that was built before is tagged on a machine without Nix, and what a full run would put is put.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistry } from '../../tools/registry.ts';
import { startFarRegistry } from '../../tools/round-trips.ts';
import { copyExample, run as execute, system } from './hermetic-example.ts';
import { freshMachine, program } from './machine.ts';

const withNix = fileURLToPath(new URL('../../tools/with-nix', import.meta.url));

/** The example as a repository with one commit, all of whose inputs are locked, and a registry. */
async function scene(context: TestContext) {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const { folder, busybox } = await copyExample(context);
  await mkdir(join(folder, 'bin'));
  await cp(join(busybox, 'bin/busybox'), join(folder, 'bin/busybox'));
  const who = ['-c', 'user.name=n', '-c', 'user.email=e@example'];
  const git = async (...args: string[]) => (await execute('git', [...who, ...args], folder)).trim();
  const commit = async (text: string) => {
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '-m', text);
    return git('rev-parse', 'HEAD');
  };
  await git('init', '--quiet');
  await commit('one');
  const image = `${registry.address}/comfy/demo`;
  const recordFile = join(folder, '..', 'record.json');
  const words = async (more: readonly string[], at = image) => [
    ...[process.execPath, program, 'build', '.#comfyui', '--working-directory', folder],
    ...['--image', at, '--no-cuda-caches', '--record', recordFile],
    ...['--annotations', `${revision}=${await git('rev-parse', 'HEAD')}`, ...more],
  ];
  const record = async () => JSON.parse(await readFile(recordFile, 'utf8'));
  const build = async (...more: string[]) => {
    const { code, stderr } = await (await freshMachine(context)).command(await words(more));
    assert.equal(code, 0, stderr);
    return { stderr, record: await record() };
  };
  /** The same on a machine that has no Nix, and can get none. */
  const buildWithoutNix = async (more: string[], at = image) => {
    const none = ['none', '--', ...(await words(['--install-nix', 'none', ...more], at))];
    return runToEnd([withNix, ...none]);
  };
  const store = remoteStore(parseReference(image), { host: quietHost(), credentials: {} });
  context.after(() => store.close());
  const textAt = async (tag: string) => (await store.getManifest(tag))?.bytes.toString();
  return { folder, git, commit, image, build, buildWithoutNix, record, textAt, store };
}

function runToEnd([file = '', ...args]: readonly string[]): Promise<{
  code: number | null;
  stderr: string;
}> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code, stderr }));
  });
}

const revision = 'org.opencontainers.image.revision';

/** By this a run is told nothing new, and does not rely on a commit alone. */
const inFull = ['--nix-conf', `system = ${system}`];

test('a release of a commit that was built is tagged without Nix, to the byte as a full run does it', async t => {
  const { build, buildWithoutNix, record, textAt, store } = await scene(t);
  await build();
  const memory = await textAt('cache-comfyui-cu130-amd64');
  const release = ['--annotations', 'release=1'];
  const early = await buildWithoutNix(['--tags', 'v1,stable', ...release]);
  assert.equal(early.code, 0, early.stderr);
  assert.match(
    early.stderr,
    /Commit [0-9a-f]{12} was built before: v1, stable of .* Nix was not needed/,
  );
  const { layers, image, sentBytes, outcome, phases } = await record();
  assert.deepEqual([outcome, sentBytes], ['success', 0]);
  assert.deepEqual(image.tags, ['v1', 'stable']);
  assert.ok(
    layers.length > 5 && layers.every((each: { origin: string }) => each.origin === 'reused'),
  );
  const begun = phases.map(({ phase }: { phase: string }) => phase);
  assert.deepEqual(begun, ['remember', 'finish']);
  assert.equal(await textAt('cache-comfyui-cu130-amd64'), memory, 'the memory stays as it was');

  const full = await build('--tags', 'full', ...release, ...inFull);
  assert.match(JSON.stringify(full.record.phases), /evaluate/);
  assert.equal(await textAt('v1'), await textAt('full'));
  assert.equal(await textAt('stable'), await textAt('full'));
  assert.ok(await store.getManifest(image.digest));
});

test('a run of the same commit again asks for no more than it must, and puts nothing', async t => {
  const { build, buildWithoutNix, image } = await scene(t);
  await build();
  const far = await startFarRegistry(image.split('/')[0] ?? '');
  t.after(() => far.stop());
  const at = image.replace(/^[^/]+/, far.address);
  const again = await buildWithoutNix([], at);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(far.sequence(), [
    Array(12).fill('connect'),
    ['GET tags'],
    ['GET memory'],
    ['GET blob'],
    ['GET blob', 'GET cu130', 'GET manifest', ...Array(7).fill('HEAD blob')],
  ]);
  const release = await buildWithoutNix(['--tags', 'v1,v2'], at);
  assert.equal(release.code, 0, release.stderr);
  const sequence = far.sequence();
  assert.deepEqual(sequence.at(-1), ['PUT v1', 'PUT v2']);
  assert.equal(sequence.length, 1 + 5);
});

test('what is not known, or not there, is built', async t => {
  const { folder, git, commit, build, buildWithoutNix } = await scene(t);
  await build();
  await appendFile(join(folder, 'app/main'), '\n# another\n');
  const dirty = await buildWithoutNix([]);
  assert.notEqual(dirty.code, 0, 'a file differs');
  assert.match(dirty.stderr, /Nix/);
  await commit('two');
  assert.notEqual((await buildWithoutNix([])).code, 0, 'another commit');
  await git('checkout', '--quiet', 'HEAD~1');
  assert.equal((await buildWithoutNix([])).code, 0);
  assert.notEqual((await buildWithoutNix(['--no-reuse'])).code, 0, 'nothing is to be reused');
  assert.notEqual((await buildWithoutNix(['--compression', 'gzip'])).code, 0, 'other bytes');
});

test('another commit with the same files is tagged, where none of it is in the image', async t => {
  const { commit, buildWithoutNix, folder, build } = await scene(t);
  await build();
  await commit('nothing else');
  const early = await buildWithoutNix(['--tags', 'v2']);
  assert.equal(early.code, 0, early.stderr);
  assert.match(early.stderr, /The files of commit [0-9a-f]{12} were built before/);

  const change = async (file: string, from: string, to: string) => {
    const text = await readFile(join(folder, file), 'utf8');
    assert.ok(text.includes(from), file);
    await writeFile(join(folder, file), text.replace(from, to));
  };
  await change('image.nix', '{ linkTree, layers }:', '{ linkTree, layers, stamp }:');
  await change('image.nix', '"/tmp"', `"/tmp\${stamp}"`);
  await change('flake.nix', 'inherit layers;', 'inherit layers; stamp = toString (self.rev or 0);');
  for (const attribute of ['rev', 'lastModified']) {
    await change('flake.nix', 'self.rev', `self.${attribute}`);
    await commit(`with ${attribute}`);
    await build();
    assert.equal((await buildWithoutNix([])).code, 0, 'the commit itself');
    await commit('nothing else');
    assert.notEqual((await buildWithoutNix([])).code, 0, `the image has ${attribute} in it`);
  }
});
