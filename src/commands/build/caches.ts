import { builtOutputs } from '../../caches/built-outputs.ts';
import { type SignatureWatch, watchSignatures } from '../../caches/signatures.ts';
import type { ProgressEvent } from '../../host/events.ts';
import type { Host } from '../../host/host.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { PreparedNix } from '../setup/prepare.ts';
import { type Pushes, startPushes } from '../setup/pushes.ts';

/** The caches of a build: they get what it builds, while it builds. */
export interface BuildCaches {
  /** Sees the run's events. */
  take(event: ProgressEvent): void;
  /** Hears what Nix says. */
  hear: SignatureWatch['hear'];
  /** These derivations make images, which no cache gets: their layers are enough. */
  exclude(drvPath: string): void;
  /** Resolves when all caches have what was built. Rejects where a push was required and failed. */
  finish(): Promise<void>;
}

/** Opens the caches that a build pushes to, and watches those that it takes from. */
export async function startCaches(
  { nix, trustedKeys }: PreparedNix,
  settings: BuildSettings,
  host: Host,
): Promise<BuildCaches> {
  // pushes go on when the build fails, and end with the run
  const pushes: Pushes | undefined = await startPushes(nix, settings, host);
  const signatures = watchSignatures(trustedKeys, host);
  const images = new Set<string>();
  return {
    take: event => {
      if (event.type !== 'build-end' || event.failed) return;
      if (pushes === undefined) return;
      for (const path of builtOutputs(event.derivation, images)) pushes.push(path);
    },
    hear: signatures.hear,
    exclude: drvPath => images.add(drvPath),
    finish: async () => {
      await signatures.settled();
      await pushes?.finish();
    },
  };
}
