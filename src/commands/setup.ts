import { explain, Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import { notice, warn } from '../host/say.ts';
import type { SetupSettings } from '../inputs/settings.ts';
import { type PreparedDisk, prepareDisk } from '../nix/disk.ts';
import { findNix } from '../nix/nix.ts';
import { setupReport } from '../report/setup.ts';
import type { AfterState, VerbOutcome } from './outcome.ts';
import { openGithub, releaseTransport } from './setup/github.ts';
import { pathsBuiltSince } from './setup/new-paths.ts';
import { extendedNixConfig } from './setup/nix-config.ts';
import { takeBack } from './setup/part.ts';
import { prepareNix } from './setup/prepare.ts';
import { startPushes } from './setup/pushes.ts';

/**
 * Sets Nix up with its caches and builders, for later steps. What they build is pushed by
 * {@link finishSetup}.
 */
export async function setup(settings: SetupSettings, host: Host): Promise<VerbOutcome> {
  if (settings.task === 'undo') return (await import('./setup/undo.ts')).undoSetup(host);
  if (settings.task === 'check')
    return (await import('./setup/check.ts')).checkSetup(settings, host);
  const { cacheRefusal } = settings;
  if (cacheRefusal !== undefined) notice(host, cacheRefusal);
  const github = await openGithub(settings, host);
  const { exports, nix, leftOut, inEffect, owner } = await inPhase(host, 'install', () =>
    prepareNix(settings, host, releaseTransport(github, settings.nix, host)),
  );
  const stays = owner.job === undefined;
  const disk = await prepareDisk(nix, undefined, settings.reclaimDisk);
  await disk.reclaimed;
  return {
    outputs: {},
    report: setupReport({ ...nix, inEffect, leftOut, refusal: cacheRefusal, stays }),
    exports: {
      path: exports.path,
      env: { ...exports.env, ...(await placement(disk, exports.env, settings, host)) },
    },
    after: {
      builtSince: host.clock(),
      ...(stays ? {} : { part: owner.id }),
      ...(github && settings.caches.github.save ? { github: github.state() } : {}),
    },
  };
}

/** Variables with which later steps build where there is room. */
async function placement(
  { conf, env }: PreparedDisk,
  exported: Readonly<Record<string, string>>,
  { temporaryDirectory }: SetupSettings,
  host: Host,
): Promise<Record<string, string>> {
  if (conf.length === 0) return env;
  const present = exported.NIX_CONFIG ?? host.env.NIX_CONFIG;
  return { ...env, NIX_CONFIG: await extendedNixConfig(present, conf, temporaryDirectory) };
}

/**
 * At the end of the job: saves GitHub's cache, pushes what the steps since {@link setup} have built, and
 * takes back what the job has written on the machine. Rejects where a push was required and failed.
 */
export async function finishSetup(
  settings: SetupSettings,
  after: AfterState,
  host: Host,
): Promise<void> {
  try {
    await finishCaches(settings, after, host);
  } finally {
    if (after.part !== undefined) await takeBack(after.part, host);
  }
}

async function finishCaches(
  settings: SetupSettings,
  { builtSince, github }: AfterState,
  host: Host,
): Promise<void> {
  // what code from a fork has built must not be found by others; the inputs say it once more
  const { save, limit } = settings.caches.github;
  if (github !== undefined && save) {
    const { saveGithubCache } = await import('../caches/github-cache.ts');
    await saveGithubCache(github, { limit, nix: await findNix(host) }, host);
  }
  if (builtSince !== undefined) await pushSince(builtSince, settings, host);
}

async function pushSince(since: number, settings: SetupSettings, host: Host): Promise<void> {
  const { cachix, binaryCaches } = settings.caches;
  if (cachix.push.length + binaryCaches.length === 0) return;
  try {
    const nix = await findNix(host);
    if (nix === undefined) throw noNixForPushes();
    const pushes = await startPushes(nix, settings, host);
    if (pushes === undefined) return;
    for (const path of await pathsBuiltSince(nix, since)) pushes.push(path);
    const { failure } = await pushes.finish();
    if (failure) throw failure;
  } catch (error) {
    if (cachix.required || !(error instanceof Failure)) throw error;
    const message = `What was built in this job is not pushed: ${explain(error)}`;
    warn(host, message);
  }
}

const noNixForPushes = () =>
  new Failure('What was built in this job cannot be pushed: there is no Nix any more.', {
    tried: 'the folders of PATH and the places where installers put it.',
    next: 'Let no step of the job remove the Nix that was set up.',
  });
