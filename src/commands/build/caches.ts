import { builtOutputs } from '../../caches/built-outputs.ts';
import { type FailingCaches, watchFailing } from '../../caches/failing.ts';
import { type SignatureWatch, watchSignatures } from '../../caches/signatures.ts';
import type { LeftOutCache } from '../../caches/types.ts';
import type { ProgressEvent } from '../../host/events.ts';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Nix } from '../../nix/types.ts';
import { pathsBuiltSince } from '../setup/new-paths.ts';
import type { PreparedNix } from '../setup/prepare.ts';
import { type Pushes, type PushOutcome, startPushes } from '../setup/pushes.ts';
import { notePushes } from '../setup/unfinished.ts';

/** The caches of a build: they get what it builds, while it builds. */
export interface BuildCaches {
  /** Sees the run's events. */
  take(event: ProgressEvent): void;
  /** Hears what Nix says. */
  hear: SignatureWatch['hear'];
  /** Those that stop working. */
  failing: FailingCaches;
  /** These derivations make images, which no cache gets: their layers are enough. */
  exclude(drvPath: string): void;
  /**
   * To be called when everything is built and no tag has moved yet: where a push is required, waits
   * for all of them, and rejects with a {@link Failure} when one has failed. Else pushes go on.
   */
  beforeTags(): Promise<void>;
  /** Resolves when all caches have what was built, or have refused it. Never rejects. */
  finish(): Promise<CacheOutcome>;
}

/** What caches have taken, and those of which nothing was taken. */
export interface CacheOutcome extends PushOutcome {
  leftOut: readonly LeftOutCache[];
}

/** A store that cannot be searched is a warning: these paths are no part of this run. */
async function pushLeftovers(since: number, { push }: Pushes, nix: Nix): Promise<void> {
  try {
    for (const path of await pathsBuiltSince(nix, since)) push(path);
  } catch (error) {
    warn(nix.host, explain(error));
  }
}

/** Opens the caches that a build pushes to, and watches those that it takes from. */
export async function startCaches(
  { nix, trustedKeys, leftOut }: PreparedNix,
  settings: BuildSettings,
  host: Host,
): Promise<BuildCaches> {
  // pushes go on when the build fails, and end with the run
  const pushes = await startPushes(nix, settings, host);
  const note = pushes && (await notePushes(settings.caches, host));
  // what a run that was killed has built, and may not have pushed
  if (pushes && note?.since !== undefined) await pushLeftovers(note.since, pushes, nix);
  const signatures = watchSignatures(trustedKeys, host);
  const failing = watchFailing(nix, host);
  const images = new Set<string>();
  return {
    take: event => {
      if (event.type !== 'build-end' || event.failed) return;
      if (pushes === undefined) return;
      for (const path of builtOutputs(event.derivation, images)) pushes.push(path);
    },
    hear: message => {
      signatures.hear(message);
      failing.hear(message);
    },
    failing,
    exclude: drvPath => images.add(drvPath),
    beforeTags: async () => {
      if (!pushes?.required) return;
      const { failure } = await pushes.finish();
      if (failure) throw failure;
    },
    finish: async () => {
      const distrusted = await signatures.settled();
      const outcome = (await pushes?.finish()) ?? { reports: [] };
      if (!host.signal?.aborted) await note?.remove();
      return { ...outcome, leftOut: [...leftOut, ...distrusted, ...failing.leftOut()] };
    },
  };
}
