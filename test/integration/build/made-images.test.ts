import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../../tools/registry.ts';
import { nix, run, system } from './hermetic-example.ts';
import { byLayer, freshMachine, type Machine, program, type Run } from './machine.ts';

const flakeFolder = fileURLToPath(new URL('./made-images', import.meta.url));
const streamerFile = fileURLToPath(new URL('../../tools/stream_layered_image.py', import.meta.url));

/** A copy of the flake beside this file, with its inputs. */
interface Flake {
  folder: string;
  inputs: { busybox: string; streamer: string };
}

async function copyFlake(context: TestContext): Promise<Flake> {
  const parent = await mkdtemp(join(tmpdir(), 'made-images-'));
  context.after(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, 'flake');
  await cp(flakeFolder, folder, { recursive: true });
  await writeFile(join(folder, 'system'), system);
  await writeFile(join(folder, 'application'), 'application');
  const busybox = join(parent, 'busybox');
  await mkdir(join(busybox, 'bin'), { recursive: true });
  await cp('/bin/busybox', join(busybox, 'bin/busybox'));
  const streamer = join(parent, 'streamer.py');
  await cp(streamerFile, streamer);
  return { folder, inputs: { busybox: `path:${busybox}`, streamer: `path:${streamer}` } };
}

async function build(
  machine: Machine,
  flake: Flake,
  target: string,
  image: string,
  ...args: string[]
) {
  const record = join(machine.home, 'record.json');
  const words = [process.execPath, program, 'build', `path:${flake.folder}#${target}`];
  const overrides = Object.entries(flake.inputs).flatMap(([name, to]) => [
    '--override-inputs',
    `${name}=${to}`,
  ]);
  const all = [...words, ...overrides, '--image', image, '--record', record, ...args];
  const result = await machine.command(all, { recordFile: record });
  assert.equal(result.code, 0, result.stderr);
  return result;
}

interface Inspected {
  config: unknown;
  diffIds: string[];
}

/** The config and diffIDs of an image as skopeo reads it. */
async function inspect(reference: string): Promise<Inspected> {
  const words = ['inspect', '--tls-verify=false', '--config', '--raw', reference];
  const config = JSON.parse(await run('skopeo', words)) as { rootfs: { diff_ids: string[] } };
  return { config, diffIds: config.rootfs.diff_ids };
}

const transfers = (result: Run) =>
  Object.values(byLayer(result, layer => layer.blobs.map(blob => blob.transfer))).flat();

/** What the audit says of sizes that it could not learn. */
const unsized = ({ record }: Run) =>
  record?.audit?.unchecked.filter(text => text.startsWith('What a new nixpkgs'));

test('a streamLayeredImage is pushed as its own script would make it', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const flake = await copyFlake(context);
  const image = `${registry.address}/demo`;
  const machine = await freshMachine(context);
  const first = await build(machine, flake, 'streamed', image);
  assert.deepEqual(first.record?.image?.tags, ['cu130'], 'the tag that the tool gave it');
  assert.deepEqual(transfers(first), ['uploaded', 'uploaded', 'uploaded']);
  assert.deepEqual(unsized(first), [], 'its script says what each layer holds');

  const oracle = join(machine.home, 'oracle.tar');
  const overrides = Object.entries(flake.inputs).flatMap(([name, to]) => [
    '--override-input',
    name,
    to,
  ]);
  const link = join(machine.home, 'result');
  await nix(['build', `path:${flake.folder}#streamed`, ...overrides, '--out-link', link]);
  await run('sh', ['-c', `${link} > ${oracle}`]);
  assert.deepEqual(
    await inspect(`docker://${image}:cu130`),
    await inspect(`docker-archive:${oracle}`),
  );

  const empty = await freshMachine(context);
  const again = await build(empty, flake, 'streamed', image, '--tags', 'latest');
  assert.deepEqual(Object.values(byLayer(again, layer => layer.origin)), ['reused']);
  assert.equal(again.record?.sentBytes, 0);
  assert.equal(again.record?.image?.digest, first.record?.image?.digest);
  assert.doesNotMatch(again.stderr, /building/, 'nothing is realised');

  await writeFile(join(flake.folder, 'application'), 'application-2');
  const changed = await build(await freshMachine(context), flake, 'streamed', image);
  assert.deepEqual(transfers(changed), ['present', 'uploaded', 'present']);
});

test('a docker-archive and a program that writes one give the same layers', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const flake = await copyFlake(context);
  const machine = await freshMachine(context);
  const made = await build(machine, flake, 'archive', `${registry.address}/archive`, '--tags', 'x');
  await build(machine, flake, 'written', `${registry.address}/written`, '--tags', 'x');
  const archive = await inspect(`docker://${registry.address}/archive:x`);
  assert.equal(archive.diffIds.length, 1);
  assert.equal(unsized(made)?.length, 1, 'nothing says what the archive holds');
  assert.deepEqual(await inspect(`docker://${registry.address}/written:x`), archive);
});

test('copy carries an image between all kinds of places', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const flake = await copyFlake(context);
  const machine = await freshMachine(context);
  const first = await build(machine, flake, 'archive', `${registry.address}/a`, '--tags', 'x');
  const copy = async (source: string, destination: string) => {
    const words = [process.execPath, program, 'copy', source, destination];
    const result = await machine.command(words);
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  const { home } = machine;
  const expected = await inspect(`docker://${registry.address}/a:x`);
  const ref = await copy(`${registry.address}/a:x`, `${registry.address}/b:y`);
  assert.doesNotMatch(ref.stderr, /sent/, 'within a registry blobs are mounted');
  const copied = `${registry.address}/b@${first.record?.image?.digest}\n`;
  assert.equal(ref.stdout.toString(), copied, 'the digest stays');
  assert.deepEqual(await inspect(`docker://${registry.address}/b:y`), expected);
  await copy(`${registry.address}/a:x`, `oci:${home}/layout:z`);
  assert.deepEqual(await inspect(`oci:${home}/layout:z`), expected);
  await copy(`oci:${home}/layout:z`, `docker-archive:${home}/image.tar`);
  assert.deepEqual((await inspect(`docker-archive:${home}/image.tar`)).diffIds, expected.diffIds);
  await copy(`docker-archive:${home}/image.tar`, `${registry.address}/c`);
  const back = `docker://${registry.address}/c:z`;
  assert.deepEqual((await inspect(back)).diffIds, expected.diffIds);
});

test('a store path that was copied before only moves tags, and nothing of it is read', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const flake = await copyFlake(context);
  const machine = await freshMachine(context);
  const overrides = Object.entries(flake.inputs).flatMap(([name, to]) => [
    '--override-input',
    name,
    to,
  ]);
  const link = join(machine.home, 'result');
  await nix(['build', `path:${flake.folder}#streamed`, ...overrides, '--out-link', link]);
  const copy = async (...args: string[]) => {
    const words = [process.execPath, program, 'copy', link, ...args];
    const result = await machine.command(words);
    assert.equal(result.code, 0, result.stderr);
    assert.doesNotMatch(result.stderr, /warning/);
    return result;
  };
  // as `build` leaves it, whatever the repository and the image are called
  const image = `${registry.address}/o/any`;
  const built = await build(machine, flake, 'streamed', image);
  const moved = await copy(image);
  assert.equal(moved.stdout.toString(), `${image}@${built.record?.image?.digest}\n`);
  assert.doesNotMatch(moved.stderr, /sent/);
  const other = `${registry.address}/other`;
  const first = await copy(`${other}:a`);
  assert.match(first.stderr, /sent/);
  const again = await copy(other, '--tags', 'b');
  assert.doesNotMatch(again.stderr, /sent/);
  const listed = await run('skopeo', ['list-tags', '--tls-verify=false', `docker://${other}`]);
  const { Tags } = JSON.parse(listed) as { Tags: string[] };
  assert.deepEqual(Tags.map(tag => tag.replace(/-[a-z0-9]+$/, '')).sort(), [
    'a',
    'b',
    'cache-other-latest',
  ]);
  assert.deepEqual(await inspect(`docker://${other}:b`), await inspect(`docker://${image}:cu130`));
});

test('copy of what is no image, or of an image that is not there, says so', async context => {
  const machine = await freshMachine(context);
  const copy = (source: string) =>
    machine.command([process.execPath, program, 'copy', source, `oci:${machine.home}/out`]);
  const folder = await copy(machine.home);
  assert.equal(folder.code, 1);
  assert.match(folder.stderr, /is no image/);
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const missing = await copy(`${registry.address}/none:x`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /There is no image/);
  const usage = await machine.command([process.execPath, program, 'copy', 'x']);
  assert.equal(usage.code, 2);
});
