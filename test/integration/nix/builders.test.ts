import assert from 'node:assert/strict';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type BuilderSettings, prepareBuilders } from '../../../src/nix/builders.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { realise } from '../../../src/nix/realise.ts';
import type { NixEvent } from '../../../src/nix/types.ts';
import { type SshBuilder, startSshBuilder } from '../../tools/ssh-builder.ts';
import { type Workbench, workbench, writeFlake } from './workbench.ts';

const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;

async function builderFor(t: TestContext): Promise<SshBuilder> {
  const builder = await startSshBuilder();
  t.after(() => builder.stop());
  return builder;
}

/** Realises a derivation that nobody has built, on no machine but the builders. */
async function buildRemotely(bench: Workbench, settings: BuilderSettings) {
  const { folder } = bench;
  const name = `remote-${process.pid}-${Math.random().toString(36).slice(2)}`;
  await writeFlake(folder, `it = sh "${name}" "echo built there; echo 1 > $out" { };`);
  const privateDirectory = join(folder, 'private');
  await mkdir(privateDirectory, { mode: 0o700 });
  const { conf, env } = await prepareBuilders(
    settings,
    {
      caller: 'run',
      directory: privateDirectory,
      keyFile: join(privateDirectory, 'key'),
      owner: { id: 'job-0123456789abcdef', job: privateDirectory },
    },
    bench.nix.host,
  );
  const lines = [bench.nix.env.NIX_CONFIG ?? '', ...conf, 'max-jobs = 0'].join('\n');
  const nix = { ...bench.nix, env: { ...bench.nix.env, ...env, NIX_CONFIG: lines } };
  const { target } = await evaluate(nix, {
    installables: ['.#it'],
    cwd: join(folder, 'flake'),
    overrideInputs: [],
    acceptFlakeConfig: false,
  });
  const events: NixEvent[] = [];
  const rootsDirectory = join(folder, 'roots');
  const onEvent = (event: NixEvent) => events.push(event);
  await realise(nix, [target], { rootsDirectory, onEvent });
  return { events, target, privateDirectory };
}

test('a builder with a port, a key and known hosts builds, and the events name it', async t => {
  const [bench, builder] = [await workbench(t), await builderFor(t)];
  const { events, target, privateDirectory } = await buildRemotely(bench, {
    builders: `ssh-ng://root@127.0.0.1:${builder.port} ${system}`,
    sshKey: builder.key.trim(),
    knownHosts: builder.knownHosts,
  });
  const ofBuild = events.flatMap(event => {
    if (!('drvPath' in event) || event.drvPath !== target.drvPath) return [];
    if (event.type === 'build-start') return [`${event.type} ${event.machine}`];
    return [event.type === 'build-log' ? event.line : event.type];
  });
  assert.deepEqual(ofBuild, [
    `build-start ssh-ng://root@127.0.0.1-${builder.port}`,
    'built there',
    'build-end',
  ]);
  const there = await readdir(join(builder.nix, 'store'));
  assert.ok(there.some(name => target.outPath.endsWith(`/${name}`)));
  for (const name of await readdir(privateDirectory)) {
    assert.equal((await stat(join(privateDirectory, name))).mode & 0o777, 0o600, name);
  }
});

test('a machine may bring its host key in its own line', async t => {
  const [bench, builder] = [await workbench(t), await builderFor(t)];
  const { events } = await buildRemotely(bench, {
    builders: `ssh-ng://root@127.0.0.1:${builder.port} ${system} - 1 1 - - ${builder.hostKey}`,
    sshKey: builder.key,
  });
  assert.ok(events.some(event => event.type === 'build-start' && event.machine !== ''));
});

test('a machine whose host key nobody has vouched for is refused before any build', async t => {
  const [bench, builder] = [await workbench(t), await builderFor(t)];
  const other = await builderFor(t);
  const builders = `ssh-ng://root@127.0.0.1:${builder.port} ${system}`;
  await assert.rejects(
    buildRemotely(bench, { builders, sshKey: builder.key, knownHosts: other.knownHosts }),
    (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /^The host key of the builder ssh-ng:\/\/root@127\.0\.0\.1:/);
      assert.match(error.details.tried ?? '', /\[127\.0\.0\.1\]:\d+ in .*builder-known-hosts/);
      assert.match(error.details.next ?? '', new RegExp(`ssh-keyscan -p ${builder.port} 127`));
      return true;
    },
  );
});

test('a machine with another key than the known one does not build', async t => {
  const [bench, builder] = [await workbench(t), await builderFor(t)];
  const other = await builderFor(t);
  const knownHosts = other.knownHosts.replace(`:${other.port}`, `:${builder.port}`);
  const builders = `ssh-ng://root@127.0.0.1:${builder.port} ${system}`;
  const refused = buildRemotely(bench, { builders, sshKey: builder.key, knownHosts });
  await assert.rejects(refused, Failure);
  assert.deepEqual(await readdir(builder.nix), []);
});
