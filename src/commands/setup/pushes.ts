import { join } from 'node:path';
import { startBinaryCachePush } from '../../caches/binary-cache.ts';
import type { PushReport, PushTarget } from '../../caches/types.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { notice } from '../../host/say.ts';
import { writePrivate } from '../../host/whole-file.ts';
import type { CacheSettings, SetupSettings } from '../../inputs/settings.ts';
import type { Nix } from '../../nix/types.ts';

/** The caches that get what is built. */
export interface Pushes {
  /** Takes a store path that was built. */
  push(outPath: string): void;
  /** Whether what fails to be pushed is to fail the run. */
  required: boolean;
  /**
   * Resolves when all is there or has failed, which the caches have warned about by then; what is
   * pushed later is lost. The same answer each time; never rejects.
   */
  finish(): Promise<PushOutcome>;
}

/** What the caches have taken. */
export interface PushOutcome {
  reports: readonly PushReport[];
  /** Where a push was required and failed. */
  failure?: Failure;
}

/** Opens the caches that the settings push to; undefined where there are none. */
export async function startPushes(
  nix: Nix,
  { caches, temporaryDirectory }: SetupSettings,
  host: Host,
): Promise<Pushes | undefined> {
  const { cachix } = caches;
  const binary = await startBinaryCaches(nix, caches, temporaryDirectory, host);
  const named = await startCachix(nix, cachix, temporaryDirectory, host);
  const targets = [...named, ...binary];
  if (targets.length === 0) return undefined;
  const end = async (): Promise<PushOutcome> => {
    const reports = await Promise.all(targets.map(target => target.finish()));
    for (const report of reports) tell(report, host);
    const failure = cachix.required ? lackOf(reports.slice(0, named.length)) : undefined;
    return { reports, ...(failure ? { failure } : {}) };
  };
  let ended: Promise<PushOutcome> | undefined;
  return {
    required: cachix.required,
    push: outPath => {
      for (const target of targets) target.push(outPath);
    },
    finish: () => {
      ended ??= end();
      return ended;
    },
  };
}

async function startBinaryCaches(
  nix: Nix,
  { binaryCaches, signingKey }: CacheSettings,
  folder: string,
  host: Host,
): Promise<PushTarget[]> {
  if (binaryCaches.length === 0) return [];
  const signingKeyFile = signingKey === undefined ? undefined : join(folder, 'binary-cache-key');
  if (signingKeyFile !== undefined) {
    await writePrivate(signingKeyFile, `${signingKey}\n`);
  }
  return binaryCaches.map(url => startBinaryCachePush(nix, { url, signingKeyFile }, host));
}

/** What Cachix needs is loaded only where something is pushed to it. */
async function startCachix(
  nix: Nix,
  { push, filter }: CacheSettings['cachix'],
  folder: string,
  host: Host,
): Promise<PushTarget[]> {
  if (push.length === 0) return [];
  const { startCachixPush } = await import('../../caches/cachix.ts');
  return Promise.all(push.map(cache => startCachixPush(nix, { ...cache, filter }, host, folder)));
}

function tell({ name, pushed, failed }: PushReport, host: Host): void {
  if (pushed + failed.length === 0) return;
  const lost = failed.length === 0 ? '' : `, ${failed.length} failed`;
  const message = `Pushed to ${name}: ${pushed} store paths${lost}.`;
  notice(host, message);
}

/** What is to be said where caches have not taken all; undefined where they have. */
function lackOf(reports: readonly PushReport[]): Failure | undefined {
  const lacking = reports.filter(({ failed }) => failed.length > 0);
  if (lacking.length === 0) return undefined;
  return new Failure(
    `Not all that was built could be pushed to ${lacking.map(({ name }) => name).join(', ')}.`,
    {
      evidence: lacking
        .flatMap(({ failed }) => failed.map(({ path, reason }) => `${path}: ${reason}`))
        .slice(0, 20),
      next: 'Check the token and the cache; `cachix-push: true` makes this a warning.',
    },
  );
}
