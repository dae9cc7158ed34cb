import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PhaseResult } from '../../tools/runner.ts';
import { type SshBuilder, startSshBuilder } from '../../tools/ssh-builder.ts';
import { system } from '../build/hermetic-example.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';
import { daemonMachine } from './daemon-machine.ts';
import { type HostedRunner, hostedRunner, type Job } from './hosted-runner.ts';

const plain = {
  command: 'setup',
  'cuda-caches': 'false',
  'install-nix': 'none',
  'reclaim-disk': 'false',
  'github-cache': 'false',
};

async function builderFor(t: TestContext): Promise<{ builder: SshBuilder; job: Job }> {
  const builder = await startSshBuilder();
  t.after(builder.stop);
  const inputs = {
    ...plain,
    builders: `ssh-ng://root@127.0.0.1:${builder.port} ${system} - 1`,
    'builder-ssh-key': builder.key,
    'builder-known-hosts': builder.knownHosts,
    'max-jobs': '0',
  };
  return { builder, job: { inputs } };
}

/** What is on the machine of the files that jobs share, as its user sees it. */
const look = [
  ...['sh', '-c'],
  `cd /etc; find nix ssh/ssh_config.d ! -name lock -printf '%p %y %m %u:%g\\n' | sort
   cat nix/*.conf ssh/ssh_config.d/* 2>/dev/null`,
];

const none: PhaseResult = {
  ...{ code: 0, log: '', summary: '' },
  ...{ outputs: {}, state: {}, env: {}, path: [] },
};

async function seen(runner: HostedRunner): Promise<string> {
  return (await runner.step(look, none, {})).log;
}

const namesIn = (text: string) => [...text.matchAll(/^Host (\S+)$/gm)].map(([, name]) => name);
const trustedIn = (text: string) =>
  [...text.matchAll(/^extra-trusted-users = (.*)$/gm)].map(([, name]) => name);

/** Does a set-up, which may warn of nothing. */
async function began(runner: HostedRunner, job: Job): Promise<PhaseResult> {
  const main = await runner.main(job);
  assert.equal(main.code, 0, main.log);
  assert.doesNotMatch(main.log, /^::warning/m);
  return main;
}

async function ended(runner: HostedRunner, main: PhaseResult, job: Job): Promise<void> {
  const post = await runner.post(main, job);
  assert.equal(post.code, 0, post.log);
  assert.doesNotMatch(post.log, /::warning/);
}

/** A command that builds what nobody has built before. */
async function somethingToBuild(t: TestContext): Promise<string[]> {
  const { folder } = await workbench(t);
  await chmod(folder, 0o755);
  const name = `side-by-side-${process.pid}`;
  await writeFlake(folder, `it = sh "${name}" "echo made > $out" { };`);
  return [
    'nix',
    'build',
    '-v',
    '--no-link',
    '--no-write-lock-file',
    `path:${join(folder, 'flake')}#it`,
  ];
}

test('jobs side by side, of two accounts, one in a container: each keeps what it has until it ends', async t => {
  const machine = await daemonMachine(t);
  const here = await hostedRunner(t, machine);
  const there = await hostedRunner(t, await machine.container());
  const before = await seen(here);
  const [one, two] = [await builderFor(t), await builderFor(t)];
  const names = [one, two].map(({ builder }) => `127.0.0.1-${builder.port}`).sort();

  // systemd is outside of the container, which can have the daemon read nothing
  const withOther = { ...one.job, inputs: { ...one.job.inputs, 'trusted-users': 'other' } };
  const mainHere = await began(here, withOther);
  const mainThere = await began(there, two.job);
  const both = await seen(here);
  assert.deepEqual(namesIn(both).sort(), names);
  assert.deepEqual(trustedIn(both).sort(), ['member other', 'other']);

  await ended(there, mainThere, two.job);
  const left = await seen(here);
  assert.deepEqual(namesIn(left), [`127.0.0.1-${one.builder.port}`]);
  assert.deepEqual(trustedIn(left), ['member other']);
  const build = await here.step(await somethingToBuild(t), mainHere, one.job);
  assert.equal(build.code, 0, build.log);
  assert.match(build.log, new RegExp(`on 'ssh-ng://root@127.0.0.1-${one.builder.port}'`));

  await ended(here, mainHere, one.job);
  assert.equal(await seen(here), before);
});

test('what a job leaves that has no post counts no more, and goes with the next one', async t => {
  const machine = await daemonMachine(t);
  const runner = await hostedRunner(t, machine);
  const before = await seen(runner);
  const [one, two] = [await builderFor(t), await builderFor(t)];
  await began(runner, one.job);
  await runner.abandon();
  const main = await began(runner, two.job);
  assert.deepEqual(namesIn(await seen(runner)), [`127.0.0.1-${two.builder.port}`]);
  assert.equal((await seen(runner)).match(/\.part /g)?.length, 2, 'one of each file');
  await ended(runner, main, two.job);
  assert.equal(await seen(runner), before);
});

test('code from a fork makes nobody trusted and writes nothing on the machine', async t => {
  const runner = await hostedRunner(t, await daemonMachine(t));
  const before = await seen(runner);
  const { job } = await builderFor(t);
  const head = { repo: { full_name: 'somebody/comfy' } };
  const event = { name: 'pull_request_target', payload: { pull_request: { head } } };
  const main = await runner.main({ ...job, event });
  assert.equal(main.code, 0, main.log);
  assert.match(main.log, /::warning.*does not take the settings of this run.*code from elsewhere/);
  assert.equal(await seen(runner), before);
  await ended(runner, main, { ...job, event });
  assert.equal(await seen(runner), before);
});

test('a job whose set-up fails takes back at once what it has written', async t => {
  const runner = await hostedRunner(t, await daemonMachine(t));
  const before = await seen(runner);
  const { job } = await builderFor(t);
  const inputs = { ...job.inputs, 'builder-known-hosts': '[127.0.0.1]:1 ssh-ed25519 AAAA' };
  const main = await runner.main({ inputs });
  assert.equal(main.code, 1, main.log);
  assert.match(main.log, /host key of the builder .* is not known/);
  assert.equal(await seen(runner), before);
});
