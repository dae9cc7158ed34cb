import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import type { SetupSettings } from '../inputs/settings.ts';
import { type PreparedDisk, placedOn, prepareDisk } from '../nix/disk.ts';
import { findNix } from '../nix/nix.ts';
import type { Nix } from '../nix/types.ts';
import { setupReport } from '../report/setup.ts';
import type { AfterState, VerbOutcome } from './outcome.ts';
import { openGithub, releaseTransport } from './setup/github.ts';
import { pushBuiltSince } from './setup/new-paths.ts';
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
  if (cacheRefusal !== undefined) {
    host.emit({ type: 'notice', message: cacheRefusal, at: host.clock() });
  }
  const github = await openGithub(settings, host);
  const { exports, nix, leftOut, owner } = await inPhase(host, 'install', () =>
    prepareNix(settings, host, releaseTransport(github, settings.nix, host)),
  );
  const disk = await prepareDisk(nix, undefined, settings.reclaimDisk);
  await disk.reclaimed;
  return {
    outputs: {},
    report: setupReport({ ...nix, leftOut, refusal: cacheRefusal, stays: owner.job === undefined }),
    exports: { path: exports.path, env: { ...exports.env, ...placement(disk, nix) } },
    after: {
      builtSince: host.clock(),
      ...(owner.job === undefined ? {} : { part: owner.id }),
      ...(github && settings.caches.github.save ? { github: github.state(nix) } : {}),
    },
  };
}

/** Variables with which later steps build where there is room. */
function placement(disk: PreparedDisk, nix: Nix): Record<string, string> {
  const { NIX_CONFIG = '' } = placedOn(disk, nix).env;
  return { ...disk.env, ...(disk.conf.length > 0 ? { NIX_CONFIG } : {}) };
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
  if (github !== undefined && settings.caches.github.save) {
    const { saveGithubCache } = await import('../caches/github-cache.ts');
    await saveGithubCache(github, host);
  }
  if (builtSince !== undefined) await pushSince(builtSince, settings, host);
}

async function pushSince(builtSince: number, settings: SetupSettings, host: Host): Promise<void> {
  const nix = await findNix(host);
  const pushes = nix && (await startPushes(nix, settings, host));
  if (!pushes) return;
  await pushBuiltSince(builtSince, pushes, nix, host);
  const { failure } = await pushes.finish();
  if (failure) throw failure;
}
