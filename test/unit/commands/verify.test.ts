import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { whyUnheeded } from '../../../src/commands/setup/daemon-trust.ts';
import { type Difference, tellDifferences } from '../../../src/commands/setup/difference.ts';
import { extendedNixConfig, includeForJob } from '../../../src/commands/setup/nix-config.ts';
import { verifySettings } from '../../../src/commands/setup/verify.ts';
import { Failure } from '../../../src/host/failure.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { askStore } from '../../../src/nix/store-answer.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { hostWithPrograms, quietHost } from '../../tools/host.ts';

type Variables = Record<string, string>;

/** A folder with our file, and a Nix that says that some settings have some values. */
async function scene(t: TestContext, lines: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'verify-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'comfy-nix.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const ask = async (values: Record<string, unknown>, env: Variables, inputs: RawInputs = {}) => {
    const settings = parseSetup(inputs, {
      face: 'action',
      currentDirectory: folder,
      temporaryDirectory: folder,
    });
    const answer = Object.entries(values).map(([name, value]) => [name, { value }] as const);
    const nix = nixThatSays({ stdout: JSON.stringify(Object.fromEntries(answer)) });
    const all = { NIX_CONF_DIR: folder, NIX_USER_CONF_FILES: file, ...env };
    const { differences } = await verifySettings({ ...nix, env: all }, { settings, lines, file });
    return differences;
  };
  return { folder, file, ask };
}

function nixThatSays(
  said: { stdout?: string; stderr?: string; code?: number },
  version = '2.34.8',
): Nix {
  const host = quietHost({
    run: async () => ({ code: 0, stdout: '', stderr: '', ...said }),
  });
  return { bin: '/bin', version, storeDir: '/nix/store', env: {}, host };
}

const names = (differences: readonly Difference[]) => differences.map(({ settings }) => settings);

test('what Nix says to be as it was wanted is no difference', async t => {
  const { ask } = await scene(t, ['extra-substituters = a', 'cores = 2']);
  assert.deepEqual(await ask({ substituters: ['b', 'a'], cores: 2 }, {}), []);
});

test('NIX_CONFIG that wins is named with its line, once for all settings; who asked for them too', async t => {
  const { ask } = await scene(t, ['extra-substituters = a', 'cores = 2', 'max-jobs = 3']);
  const env = { NIX_CONFIG: 'substituters = b\ncores = 7', GITHUB_ACTIONS: 'true' };
  const values = { substituters: ['b'], cores: 7, 'max-jobs': 3 };
  const [one, ...others] = await ask(values, env, { cores: '2' });
  assert.deepEqual(others.length, 1);
  assert.match(
    one?.sentence ?? '',
    /^NIX_CONFIG of the workflow \(line 1\) wins over .*: substituters\.$/,
  );
  assert.deepEqual([one?.inputs, others[0]?.inputs], [[], ['cores']]);
});

test('more in a list than was wanted is a difference that no input has asked for', async t => {
  const { ask } = await scene(t, ['substituters = a']);
  const env = { NIX_CONFIG: 'extra-substituters = dead' };
  const [only] = await ask({ substituters: ['a', 'dead'] }, env, {
    'extra-substituters': 'https://a',
  });
  assert.deepEqual([only?.settings, only?.inputs], [['substituters'], []]);
});

test('settings that Nix does not read are told with what keeps it from that', async t => {
  const { ask, folder } = await scene(t, ['cores = 2']);
  const [named] = await ask({ cores: 0 }, { NIX_USER_CONF_FILES: '/nowhere' });
  assert.match(named?.sentence ?? '', /^NIX_USER_CONF_FILES, which names other files, wins/);
  const other = join(folder, 'nix.conf');
  await writeFile(other, '\ncores = 9\n');
  const [late] = await ask({ cores: 9 }, {});
  assert.match(late?.sentence ?? '', /^something that Nix does not tell wins over/);
});

test('what the JSON does not tell is decided by what is stated after us', async t => {
  const { ask } = await scene(t, [
    'extra-experimental-features = nix-command flakes',
    'max-jobs = auto',
  ]);
  const values = { 'experimental-features': [2, 3], 'max-jobs': 4 };
  assert.deepEqual(await ask(values, {}), []);
  const config = (text: string) => ask(values, { NIX_CONFIG: text });
  assert.deepEqual(await config('extra-experimental-features = ca-derivations'), []);
  assert.deepEqual(await config('experimental-features = flakes nix-command'), []);
  assert.deepEqual(names(await config('experimental-features = nix-command')), [
    ['experimental-features'],
  ]);
  assert.deepEqual(names(await config('max-jobs = 4')), [['max-jobs']]);
});

test('a setting of nix-conf that this Nix does not have is told, and fails nothing', async t => {
  const { ask } = await scene(t, []);
  const [only] = await ask({ cores: 0 }, {}, { 'nix-conf': 'eval-cores = 2' });
  assert.match(only?.sentence ?? '', /^Nix 2\.34\.8 has no setting eval-cores/);
  assert.deepEqual(only?.inputs, []);
});

test('differences are warnings, or the failure of the run where an input asked', () => {
  const host = quietHost();
  const one: Difference = {
    kind: 'lost',
    settings: ['cores'],
    sentence: 'A wins.',
    next: 'Do B.',
    inputs: [],
  };
  tellDifferences([one], { task: 'write' }, host);
  assert.deepEqual(host.warnings, ['A wins. Do B.']);
  assert.throws(
    () =>
      tellDifferences(
        [one, { ...one, sentence: 'C wins.', inputs: ['nix-conf'] }],
        { task: 'write' },
        host,
      ),
    (error: unknown) =>
      error instanceof Failure &&
      error.message === 'Nix does not do what the input asks for (`nix-conf`): C wins.' &&
      error.details.next === 'Do B.',
  );
});

test('NIX_CONFIG gets one more line; what is secret in it moves to a file', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'nix-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const line = await includeForJob('/x/comfy-nix.conf', folder);
  const file = line.replace('!include ', '');
  assert.equal(await readFile(file, 'utf8'), 'include /x/comfy-nix.conf\n');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal(await extendedNixConfig(undefined, [line], folder), line);
  assert.equal(await extendedNixConfig('cores = 1', [line], folder), `cores = 1\n${line}`);
  for (const secret of ['access-tokens = a=hunter2', 'substituters = https://u:hunter2@a']) {
    const config = await extendedNixConfig(secret, [line], folder);
    assert.doesNotMatch(config, /hunter2/);
    const [before = ''] = config.split('\n');
    const moved = before.replace('!include ', '');
    assert.equal(await readFile(moved, 'utf8'), `${secret}\n`);
    assert.equal((await stat(moved)).mode & 0o777, 0o600);
  }
});

test('what the store says of itself and of this user, by new versions and by old ones', async () => {
  const json = (value: unknown) => ({ stdout: `${JSON.stringify(value)}\n` });
  const yes = { answers: true, trusted: true, refused: [] };
  assert.deepEqual(await askStore(nixThatSays(json({ trusted: true, url: 'daemon' }))), yes);
  assert.deepEqual(await askStore(nixThatSays(json({ url: 'local' }))), yes);
  const refusal = "warning: ignoring untrusted substituter 'https://a.example', you are not\n";
  assert.deepEqual(await askStore(nixThatSays({ ...json({ trusted: false }), stderr: refusal })), {
    answers: true,
    trusted: false,
    refused: ['https://a.example'],
  });
  const old =
    "warning: ignoring untrusted substituter 'file:///var/empty/comfy-nix-asks-for-trust'\n";
  assert.deepEqual(await askStore(nixThatSays({ stderr: '' }, '2.8.0')), yes);
  assert.deepEqual(await askStore(nixThatSays({ stderr: old }, '2.8.0')), {
    answers: true,
    trusted: false,
    refused: [],
  });
  const dead = "Store URL: daemon\nerror: cannot connect to socket at '/s': Connection refused\n";
  assert.deepEqual(await askStore(nixThatSays({ code: 1, stderr: dead })), {
    answers: false,
    reason: "cannot connect to socket at '/s': Connection refused",
  });
});

test('a daemon that does not heed what was written has lost it, or has not read it', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'unheeded-'));
  t.after(() => rm(folder, { recursive: true }));
  const host = hostWithPrograms({ NIX_CONF_DIR: folder, NIX_USER_CONF_FILES: '' });
  assert.match((await whyUnheeded({ host })).reason, /was written anew at the daemon's start/);
  await writeFile(join(folder, 'nix.conf'), '!include comfy-nix.conf\n');
  const trust = `extra-trusted-users = other ${userInfo().username}\n`;
  await writeFile(join(folder, 'comfy-nix.conf'), trust);
  assert.match((await whyUnheeded({ host })).reason, /has not read the system's nix\.conf since/);
});
