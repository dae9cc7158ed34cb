import assert from 'node:assert/strict';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { finishAction } from '../../../src/action/finish.ts';
import { beginRun, keepAfter, runState } from '../../../src/action/private-folder.ts';
import { guardedToolkit } from '../../../src/action/toolkit.ts';
import type { AfterState } from '../../../src/commands/outcome.ts';
import { recordingToolkit } from './toolkit.ts';

let temp: string;
beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), 'finish-'));
});
afterEach(() => rm(temp, { recursive: true, force: true }));

const after: AfterState = { builtSince: 1000 };

/** A run whose main phase is over. */
async function mainPhase(left: AfterState | null = after) {
  const toolkit = recordingToolkit();
  const folder = await beginRun({ RUNNER_TEMP: temp }, toolkit);
  await writeFile(join(folder.path, 'secret'), 'x');
  if (left !== null) await keepAfter(folder, left);
  folder.leave();
  return {
    ...folder,
    parent: join(folder.path, '..'),
    file: join(folder.path, 'after.json'),
    toolkit,
  };
}

async function postPhase(state: Record<string, string>, env: Record<string, string> = {}) {
  const toolkit = recordingToolkit(state);
  const done: AfterState[] = [];
  const code = await finishAction({
    env: { RUNNER_TEMP: temp, ...env },
    currentDirectory: temp,
    clock: () => 0,
    signal: new AbortController().signal,
    toolkit: guardedToolkit(toolkit, false),
    after: async (_raw, context, state) => {
      assert.ok((await lstat(context.temporaryDirectory)).isDirectory());
      done.push(state);
    },
  });
  return { code, done, calls: toolkit.calls };
}

test('the state is one random name, and post does what the file of it says', async () => {
  const { toolkit, name, parent } = await mainPhase();
  assert.deepEqual(toolkit.state, { [runState]: name });
  assert.match(name, /^[0-9a-f]{16}$/);
  const { code, done, calls } = await postPhase(toolkit.state);
  assert.deepEqual([code, done, calls], [0, [after], []]);
  assert.deepEqual(await readdir(parent), []);
});

test('a main phase that left nothing to do is cleaned up after; so is one that never ran', async () => {
  const { toolkit, parent } = await mainPhase(null);
  const { code, done, calls } = await postPhase(toolkit.state);
  assert.deepEqual([code, done, calls], [0, [], []]);
  assert.deepEqual(await readdir(parent), []);
  assert.deepEqual(await postPhase({}), { code: 0, done: [], calls: [] });
});

type Main = Awaited<ReturnType<typeof mainPhase>>;

const odd: Readonly<Record<string, (main: Main) => Promise<Record<string, string> | undefined>>> = {
  'a name that is no run': async () => ({ [runState]: 'ffffffffffffffff' }),
  'a path as the name': async ({ name }) => ({ [runState]: `../comfy-nix-0/${name}` }),
  'a state of commands, as it once was': async ({ toolkit }) => ({
    ...toolkit.state,
    [runState]: JSON.stringify({ github: { nix: { bin: temp } } }),
  }),
  'a file that others may read': async ({ file }) => void (await chmod(file, 0o644)),
  'a file that is a link': async ({ file }) => {
    await rename(file, join(temp, 'elsewhere'));
    await symlink(join(temp, 'elsewhere'), file);
    return undefined;
  },
  'a file with another name': async ({ file }) => void (await link(file, join(temp, 'elsewhere'))),
  'a folder in its place': async ({ file }) => {
    await rm(file);
    await mkdir(file, { mode: 0o600 });
    return undefined;
  },
  'broken JSON': async ({ file }) => void (await writeFile(file, '{"builtSince":1')),
  'JSON of something else': async ({ file }) => void (await writeFile(file, 'null')),
  'an unknown field': async ({ file }) =>
    void (await writeFile(file, JSON.stringify({ ...after, program: '/bin/sh' }))),
  'a field of another type': async ({ file }) => void (await writeFile(file, '{"builtSince":"1"}')),
  'a derivation that is none': async ({ file }) =>
    void (await writeFile(file, '{"github":{"built":["/etc/shadow"],"targets":[]}}')),
  'a key with more in it': async ({ file }) =>
    void (await writeFile(file, '{"github":{"built":[],"targets":[],"evaluation":"x/../y"}}')),
};

for (const [what, spoil] of Object.entries(odd)) {
  test(`${what}: nothing is run, and what was left is deleted`, async () => {
    const main = await mainPhase();
    const state = (await spoil(main)) ?? main.toolkit.state;
    const { code, done, calls } = await postPhase(state);
    assert.deepEqual([code, done], [0, []]);
    assert.match(calls.join('\n'), /^warning What the step has left .* cannot be trusted/);
    assert.deepEqual(await readdir(main.parent), []);
  });
}

test('a folder that is not ours alone is neither believed nor cleaned', async () => {
  const { parent, toolkit, name } = await mainPhase();
  await chmod(parent, 0o755);
  const open = await postPhase(toolkit.state);
  assert.deepEqual([open.code, open.done], [0, []]);
  await chmod(parent, 0o700);
  await rename(parent, join(temp, 'moved'));
  await symlink(join(temp, 'moved'), parent);
  const linked = await postPhase(toolkit.state);
  assert.deepEqual([linked.code, linked.done], [0, []]);
  assert.deepEqual(await readdir(join(temp, 'moved')), [name]);
  await assert.rejects(beginRun({ RUNNER_TEMP: temp }, recordingToolkit()), /cannot be used/);
});

test('where a push was required, what cannot be trusted is an error', async () => {
  const state = { [runState]: 'ffffffffffffffff' };
  await mainPhase();
  const { code, calls } = await postPhase(state, { 'INPUT_CACHIX-PUSH': 'required' });
  assert.equal(code, 1);
  assert.match(calls.join('\n'), /^error What the step has left/m);
});

test('the folder of an earlier step waits for its post, that of an earlier job is removed', async () => {
  const job = (id: string) => ({ RUNNER_TEMP: temp, GITHUB_RUN_ID: id, GITHUB_JOB: 'build' });
  const first = await beginRun(job('1'), recordingToolkit());
  first.leave();
  const second = await beginRun(job('1'), recordingToolkit());
  second.leave();
  const parent = join(first.path, '..');
  assert.deepEqual((await readdir(parent)).sort(), [first.name, second.name].sort());
  const third = await beginRun(job('2'), recordingToolkit());
  assert.deepEqual(await readdir(parent), [third.name]);
  await third.remove();
});
