import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { candidates, findNode, isNewEnough } from '../../../src/cli/node-version.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Puts a program there that says it is Node of this version. */
async function node(path: string, version: string): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho v${version}\n`);
  await chmod(file, 0o755);
  return file;
}

/** The candidates that this test made; a machine may have others. */
function candidatesHere(env: Record<string, string> = {}): string[] {
  const all = { HOME: home, PATH: '', RUNNER_TOOL_CACHE: join(home, 'none'), ...env };
  return candidates(all, join(home, 'clone/dist/cli.js')).filter(file => file.startsWith(home));
}

test('Node 24 is new enough, 22 is not', () => {
  assert.deepEqual(['24.0.0', '26.1.0', '22.22.0', '9.1.0', ''].map(isNewEnough), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('the one next to the program comes first', async () => {
  const own = await node('clone/node_modules/.bin/node', '24.21.0');
  await node('bin/node', '24.1.0');
  assert.equal(findNode(candidatesHere({ PATH: join(home, 'bin') })), own);
});

test('those that are too old, or do not run, are passed over', async () => {
  const broken = await node('clone/node_modules/.bin/node', '24.21.0');
  await writeFile(broken, 'not a program');
  await node('bin/node', '20.20.0');
  await node('.nvm/versions/node/v22.9.0/bin/node', '22.9.0');
  const right = await node('.nvm/versions/node/v24.2.0/bin/node', '24.2.0');
  assert.equal(findNode(candidatesHere({ PATH: join(home, 'bin') })), right);
});

test('of several versions in one place the newest is tried first', async () => {
  const old = await node('.nvm/versions/node/v9.9.0/bin/node', '9.9.0');
  const newer = await node('.nvm/versions/node/v24.10.0/bin/node', '24.10.0');
  const other = await node('.nvm/versions/node/v24.9.0/bin/node', '24.9.0');
  assert.deepEqual(candidatesHere(), [newer, other, old]);
});

test("GitHub's tool cache is a place", async () => {
  const file = await node('tools/node/24.3.0/x64/bin/node', '24.3.0');
  assert.deepEqual(candidatesHere({ RUNNER_TOOL_CACHE: join(home, 'tools') }), [file]);
});
