import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { notice, warn } from '../host/say.ts';
import { stoppable } from '../host/stoppable.ts';
import type { PrefetchSettings } from '../inputs/settings.ts';
import { describeChanges, describeLock, markdownChanges } from '../report/prefetch.ts';
import { type Change, compareLocks } from '../wheels/changes.ts';
import { startDownloads } from '../wheels/downloads.ts';
import { type Lock, readLock, setPin, writeLock } from '../wheels/lock.ts';
import { metadataReader } from '../wheels/metadata.ts';
import { downloadFolder } from '../wheels/partial-downloads.ts';
import { readWanted } from '../wheels/wanted.ts';
import { openWeb } from '../wheels/web.ts';
import type { VerbOutcome } from './outcome.ts';
import { readAllLists } from './prefetch/lists.ts';
import { withNeeds } from './prefetch/needs.ts';
import { findProvided } from './prefetch/provided.ts';
import type { PrefetchRun } from './prefetch/run.ts';
import { pinAsked, pinOthers } from './prefetch/sources.ts';
import { wantsTrees } from './prefetch/trees.ts';
import { verifyLock } from './prefetch/verify.ts';
import { pinWheels } from './prefetch/wheels.ts';

/**
 * Writes `wheels.lock.json` from `wheels.toml`: asks indexes, releases and Git servers, downloads
 * what nobody tells the digest of, and checks that the set fits together. The lock changes as a
 * whole or not at all.
 */
export async function prefetch(settings: PrefetchSettings, host: Host): Promise<VerbOutcome> {
  const startedAt = host.clock();
  const wanted = await readWanted(settings.wheelsFile);
  const lists = await readAllLists(wanted, settings, host);
  const before = await readLock(settings.lockFile);
  const { host: stopped, stop } = stoppable(host);
  const web = openWeb(stopped);
  const folder = downloadFolder(host.env, settings.temporaryDirectory);
  const trees = wantsTrees(settings, before);
  const downloads = startDownloads(folder, web, stopped, { trees });
  try {
    const { provided, withAsked } = await findProvided(wanted, settings, stopped);
    const readMetadata = metadataReader(web);
    const given = { settings, wanted, before, lists: withAsked(lists), provided };
    const run = { ...given, pages: new Map(), web, readMetadata, downloads, host: stopped };
    const { lock, unknown } = await findLock(run);
    const changes = compareLocks(before, lock);
    if (settings.check) refuseStale(changes, unknown, settings);
    else if (changes.length > 0) await writeLock(settings.lockFile, lock, stopped);
    await downloads.forget();
    const spent = { ...web.traffic, seconds: (host.clock() - startedAt) / 1000 };
    const message = [...describeChanges(changes), describeLock(lock, changes, spent)].join('\n');
    notice(host, message);
    return {
      outputs: { changed: changes.length > 0, changes: markdownChanges(changes) },
    };
  } catch (error) {
    // other downloads are under way: they have nothing to go on for
    stop(error);
    throw error;
  } finally {
    web.close();
  }
}

async function findLock(run: PrefetchRun): Promise<{ lock: Lock; unknown: string[] }> {
  const asked = await pinAsked(run);
  const whole = withNeeds(run, asked.pins);
  const [wheels, others] = await Promise.all([pinWheels(whole), pinOthers(run)]);
  const found: Lock = { version: 1, wheels: {}, sources: { ...asked.pins, ...others.pins } };
  for (const { variant, name, pin } of wheels.pins) setPin(found, variant, name, pin);
  const lock = run.settings.verify ? await verifyLock(found, run) : found;
  const unknown = [...wheels.unknown, ...asked.unknown, ...others.unknown];
  for (const message of unknown) {
    warn(run.host, message);
  }
  return { lock, unknown };
}

/** `--check`: exit code 1 where the lock is not what it would be now, or nobody can tell. */
function refuseStale(
  changes: readonly Change[],
  unknown: readonly string[],
  { lockFile }: PrefetchSettings,
): void {
  if (changes.length > 0) {
    throw new Failure(`${lockFile} is stale.`, {
      evidence: describeChanges(changes),
      next: 'Run comfy-nix prefetch and commit the lock.',
    });
  }
  if (unknown.length === 0) return;
  throw new Failure(`Whether ${lockFile} is stale cannot be told.`, {
    evidence: unknown,
    next: 'Run it again where these servers can be reached.',
  });
}
