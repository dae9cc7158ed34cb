import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { program } from '../../../src/record/program.ts';

const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

/** Makes a process take itself for Node 18. */
const older = [
  '--import',
  'data:text/javascript,Object.defineProperty(process,"versions",' +
    '{value:{...process.versions,node:"18.20.0"}})',
];

function run(
  args: readonly string[],
  node: readonly string[] = [],
  env: Record<string, string> = {},
) {
  return spawnSync(process.execPath, [...node, entry, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

test('the version, from a process of its own', () => {
  const { status, stdout, stderr } = run(['--version']);
  assert.deepEqual([status, stdout, stderr], [0, `${program.version}\n`, '']);
});

test('wrong usage is exit code 2, for flags and for values', () => {
  assert.equal(run(['build', '--fly']).status, 2);
  const { status, stdout, stderr } = run(['build', '--compression', 'lz4']);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^comfy-nix: --compression: expected zstd, gzip, none; found "lz4"/);
});

test('an older Node runs the program again on a newer one, with its exit code', () => {
  const { status, stdout } = run(['--version'], older);
  assert.deepEqual([status, stdout], [0, `${program.version}\n`]);
  assert.equal(run(['build', '--fly'], older).status, 2);
});

test('an older Node that finds no newer one says so in one sentence', () => {
  const { status, stdout, stderr } = run(['--version'], older, { COMFY_NIX_RESTARTED: '1' });
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^comfy-nix needs Node 24 or newer, this is 18\.20\.0, and no newer one/);
  assert.equal(stderr.trim().split('\n').length, 1);
});
