// What bench/github-cache.ts measures, each in a process of its own:
//
//   node step.ts save FILE        what the post phase does with the state in FILE
//   node step.ts pack FILE        the same with a service that takes no time
//   node step.ts restore FILE     what the main phase does for the targets in FILE, Nix included
//   node step.ts save-tree FILE   the paths listed in FILE, as they are, through @actions/cache
//   node step.ts restore-tree FILE
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreCache, saveCache } from '@actions/cache';
import {
  type CacheableTarget,
  openGithubCache,
  saveGithubCache,
} from '../../src/caches/github-cache.ts';
import type { Host } from '../../src/host/host.ts';
import { processRunner } from '../../src/host/process.ts';
import { findNix } from '../../src/nix/nix.ts';
import { realise } from '../../src/nix/realise.ts';

const host: Host = {
  env: process.env,
  clock: Date.now,
  run: processRunner(process.env),
  emit: event => {
    if (event.type === 'warning') throw new Error(event.message);
  },
};

const saving = async () => ({ limit: Number.MAX_SAFE_INTEGER, nix: await findNix(host) });

const steps: Record<string, (value: never) => Promise<unknown>> = {
  async save(state: Parameters<typeof saveGithubCache>[0]) {
    const { saved } = await saveGithubCache(state, await saving(), host);
    if (saved.length < state.targets.length) throw new Error('not all targets were saved');
  },
  async pack(state: Parameters<typeof saveGithubCache>[0]) {
    await saveGithubCache(state, await saving(), host, {
      restore: async () => undefined,
      save: async () => 'saved',
    });
  },
  async restore(targets: (CacheableTarget & { outputName: string })[]) {
    const cache = openGithubCache(host);
    const found = (await cache?.restoreTargets(targets, 'bench')) ?? [];
    const nix = await findNix(host);
    if (!nix) throw new Error('there is no Nix');
    const substituters = `substituters = ${found.map(({ url }) => url).join(' ')}`;
    const NIX_CONFIG = `${nix.env.NIX_CONFIG}\nmax-jobs = auto\n${substituters}`;
    const rootsDirectory = join(process.env.RUNNER_TEMP ?? tmpdir(), 'roots');
    await realise({ ...nix, env: { ...nix.env, NIX_CONFIG } }, targets, { rootsDirectory });
  },
  'save-tree': async (paths: string[]) => {
    if ((await saveCache(paths, 'tree')) < 0) throw new Error('nothing was saved');
  },
  'restore-tree': async (paths: string[]) => {
    if ((await restoreCache(paths, 'tree')) !== 'tree') throw new Error('nothing was restored');
  },
};

const [step = '', file = ''] = process.argv.slice(2);
await steps[step]?.(JSON.parse(readFileSync(file, 'utf8')) as never);
