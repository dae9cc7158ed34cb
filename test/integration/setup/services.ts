import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startCachixApi } from '../../tools/cachix-stand-in/api.ts';
import { installCachixStandIn } from '../../tools/cachix-stand-in/install.ts';
import { startCachixProxy } from '../../tools/cachix-stand-in/proxy.ts';
import { startGithubCacheServer } from '../../tools/github-cache-server.ts';
import { startNginx } from '../../tools/nginx.ts';
import { startRegistry } from '../../tools/registry.ts';
import { startSshBuilder } from '../../tools/ssh-builder.ts';
import { type Example, run, system } from '../build/hermetic-example.ts';
import { newSecret } from './secrets.ts';

/** Everything that a build may talk to, each with a secret of its own. */
export async function startServices(t: TestContext) {
  const secrets = {
    registry: newSecret('registry'),
    cachix: newSecret('cachix'),
    access: newSecret('access'),
    github: newSecret('github'),
  };
  const registry = await startRegistry({
    ...{ auth: 'htpasswd', username: 'user', password: secrets.registry },
  });
  t.after(registry.stop);
  const github = await startGithubCacheServer();
  t.after(github.stop);
  const nginx = await startNginx();
  t.after(nginx.stop);
  const builder = await startSshBuilder();
  t.after(builder.stop);
  const api = await startCachixApi({
    mine: {
      ...{ uri: `http://${nginx.address}`, token: secrets.cachix },
      publicSigningKeys: ['mine.cachix.org-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    },
  });
  t.after(api.stop);
  const proxy = await startCachixProxy(api.api);
  t.after(proxy.stop);
  const folder = await mkdtemp(join(tmpdir(), 'cachix-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const cachix = await installCachixStandIn(folder, { caches: { mine: secrets.cachix } });
  const env = {
    ...proxy.env,
    ...github.env,
    PATH: `${cachix.bin}:${process.env.PATH}`,
  };
  const signingKey = await newSigningKey('push-1');
  return { secrets, signingKey, registry, github, nginx, builder, api, cachix, env };
}

export type Services = Awaited<ReturnType<typeof startServices>>;

/** The inputs of a run that pushes the example's image to a repository of its own. */
export function buildInputs(example: Example, { registry, secrets }: Services, repository: string) {
  return {
    flake: `path:${example.folder}#comfyui`,
    'override-inputs': `busybox=path:${example.busybox}`,
    image: `${registry.address}/${repository}`,
    'registry-username': 'user',
    'registry-password': secrets.registry,
    'cuda-caches': 'false',
    'install-nix': 'none',
    'reclaim-disk': 'false',
    record: 'record.json',
  };
}

/** More inputs: every cache gets what is built, and another machine builds a part of it. */
export function everyCache(all: Services): Record<string, string> {
  const { builder, nginx, secrets, signingKey } = all;
  return {
    'cachix-name': 'mine',
    'cachix-auth-token': secrets.cachix,
    'binary-caches': `http://${nginx.address}`,
    'binary-cache-signing-key': signingKey,
    'access-tokens': `git.example=${secrets.access}`,
    builders: `ssh-ng://root@127.0.0.1:${builder.port} ${system} - 1`,
    'builder-ssh-key': builder.key,
    'builder-known-hosts': builder.knownHosts,
    'max-jobs': '2',
  };
}

/** What nobody may see. */
export function hiddenTexts({ secrets, signingKey, builder, github }: Services): string[] {
  return [
    ...Object.values(secrets),
    signingKey.slice(signingKey.indexOf(':') + 1).trim(),
    ...builder.key.split('\n').slice(2, 4), // the others are much the same in all keys
    github.env.ACTIONS_RUNTIME_TOKEN ?? '',
  ];
}

const newSigningKey = (name: string) =>
  run('nix', ['--extra-experimental-features', 'nix-command', ...generate, name]);

const generate = ['key', 'generate-secret', '--key-name'];
