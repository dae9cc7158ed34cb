import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startCachixApi } from '../../tools/cachix-stand-in/api.ts';
import { startCachixProxy } from '../../tools/cachix-stand-in/proxy.ts';
import { startHttpProxy } from '../../tools/faulty-proxy.ts';
import { startNginx } from '../../tools/nginx.ts';
import { startSshBuilder } from '../../tools/ssh-builder.ts';
import { system } from '../build/hermetic-example.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';
import { cachedNames, must, newKey } from './binary-caches.ts';
import { daemonMachine } from './daemon-machine.ts';
import { type HostedRunner, hostedRunner, type Job } from './hosted-runner.ts';
import {
  assertNoSecret,
  assertPrivate,
  filesWith,
  modeOf,
  newSecret,
  watchProcesses,
} from './secrets.ts';

/**
 * A private cache on Cachix (nginx with a login) that has one package, signed; another is built from it,
 * and a cache gets that.
 */
async function surroundings(t: TestContext) {
  const { nix, folder } = await workbench(t);
  await chmod(folder, 0o755); // the runner's user may be another one
  const token = newSecret('cachix');
  const nginx = await startNginx({ readOnly: true });
  t.after(nginx.stop);
  // nginx itself takes no login without a name, as Cachix has it
  const login = `Basic ${Buffer.from(`:${token}`).toString('base64')}`;
  const guard = await startHttpProxy(nginx.address, ({ headers }) =>
    headers.authorization === login ? undefined : { status: 401 },
  );
  t.after(guard.stop);
  const mine = await newKey(nix, 'mine.cachix.org-1');
  const push = await newKey(nix, 'push-1');
  const id = `s${process.pid}-${Math.random().toString(36).slice(2)}`;
  await writeFlake(
    folder,
    `shared = sh "${id}-shared" "echo shared > $out" { };
     app = sh "${id}-app" "\${shell}/busybox grep -q shared \${shared}; echo app > $out" { };`,
  );
  const flake = join(folder, 'flake');
  const links = ['--out-link', join(folder, 'shared'), `path:${flake}#shared`];
  await must(nix, 'nix', ['build', ...links]);
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, mine.secret, { mode: 0o600 });
  const cache = `file://${nginx.folder}?secret-key=${keyFile}`;
  await must(nix, 'nix', ['copy', '--to', cache, join(folder, 'shared')]);
  const uri = `http://${guard.address}`;
  const api = await startCachixApi({ mine: { uri, token, publicSigningKeys: [mine.publicKey] } });
  t.after(api.stop);
  const proxy = await startCachixProxy(api.api);
  t.after(proxy.stop);
  return { token, push, id, flake, uri, env: proxy.env };
}

type Surroundings = Awaited<ReturnType<typeof surroundings>>;

/** Runs a job that sets up, builds in a later step, and pushes what that has built. */
async function setUpAndBuild(
  runner: HostedRunner,
  { token, push, id, flake, uri, env }: Surroundings,
  more: Readonly<Record<string, string>>,
) {
  const cache = join(runner.root, 'pushed');
  await mkdir(cache);
  await chmod(cache, 0o777);
  const [access, job] = [newSecret('access'), newSecret('job')];
  const options: Job = {
    inputs: {
      command: 'setup',
      'cuda-caches': 'false',
      'install-nix': 'none',
      'reclaim-disk': 'false',
      'cachix-pull': 'mine',
      'cachix-auth-token': token,
      'access-tokens': `git.example=${access}`,
      'binary-caches': `file://${cache}`,
      'binary-cache-signing-key': push.secret,
      'nix-conf': 'sandbox = true',
      ...more,
    },
    token: job,
    env,
  };
  const main = await runner.main(options);
  assert.equal(main.code, 0, main.log);
  const build = ['nix', 'build', '-L', '-v', '--no-link', `path:${flake}#app`];
  const step = await runner.step(build, main, options);
  assert.equal(step.code, 0, `${main.log}\n${step.log}`);
  const settings = await runner.step(['nix', 'show-config'], main, options);
  const hidden = [token, access, job, push.secret.replace(/^.*:/, ''), ...builderSecret(more)];
  const kept = filesWith(hidden, [runner.temp, runner.home, runner.workspace]);
  const modes = kept.map(file => modeOf(file));
  const post = await runner.post(main, options);
  assert.equal(post.code, 0, post.log);
  assert.match(step.log, new RegExp(`copying path '\\S+-${id}-shared' from '${uri}'`));
  assert.match(settings.log, /^sandbox = true$/m);
  assert.deepEqual(await cachedNames(cache), [`${id}-app`]);
  assert.ok(kept.length > 1, kept.join());
  assert.deepEqual(new Set(modes), new Set(['600']), kept.join());
  assert.deepEqual(filesWith(hidden, [runner.temp, runner.home, runner.workspace]), []);
  assertNoSecret(hidden, {
    ...{ main: main.log, step: step.log, post: post.log, summary: main.summary },
    'what later steps get': JSON.stringify([main.state, main.env, main.outputs, main.path]),
  });
  return { main, step, post, hidden };
}

const builderSecret = (inputs: Readonly<Record<string, string>>) =>
  (inputs['builder-ssh-key'] ?? '').split('\n').slice(2, 4);

test('a later step takes from a private cache, builds on another machine, and post pushes', async t => {
  const runner = await hostedRunner(t);
  const all = await surroundings(t);
  const builder = await startSshBuilder();
  t.after(builder.stop);
  const watch = watchProcesses();
  t.after(watch.stop);
  const { main, step, post, hidden } = await setUpAndBuild(runner, all, {
    builders: `ssh-ng://root@127.0.0.1:${builder.port} ${system} - 1`,
    'builder-ssh-key': builder.key,
    'builder-known-hosts': builder.knownHosts,
    'max-jobs': '0',
  });
  assert.match(step.log, /on 'ssh-ng:\/\/root@127\.0\.0\.1/);
  assert.doesNotMatch(main.log + post.log, /::warning/);
  assertPrivate(await watch.stop(), hidden, runner.mark);
});

test('a user without privileges, with a daemon and build users', async t => {
  const runner = await hostedRunner(t, await daemonMachine(t));
  const { main, post } = await setUpAndBuild(runner, await surroundings(t), {});
  assert.doesNotMatch(main.log + post.log, /::warning/);
});
