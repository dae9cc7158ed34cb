import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { warn } from '../host/say.ts';
import { readConf } from './conf.ts';
import { type DiskNeeds, type ListedNeeds, parseDryRun, queryNeeds } from './disk-needs.ts';
import type { ReclaimOptions } from './disk-reclaim.ts';
import { gigabytes, measureSpace, type Space } from './disk-space.ts';
import { isAtLeast } from './nix.ts';
import type { DerivationOutput, Nix } from './types.ts';

/**
 * Whether to remove what hosted runners carry: `auto` where space is short, until it is enough, and
 * on a hosted runner only; `true` all of it, on any machine.
 */
export type ReclaimDisk = 'auto' | 'true' | 'false';

/** Room for the scratch and the outputs of builds, whose size is not known before. */
const buildReserve = 10e9;

/** What must stay free in any case. */
const margin = 1e9;

/** What a plan finds on the disk. */
export interface DiskPlan {
  /** Bytes that the store's file system lacks, with the reserve for builds; 0: none. */
  missing: number;
  /** Whether what is to be fetched cannot fit, even if nothing is built. */
  downloadsFit: boolean;
}

/** Compares what is free with what is needed; `undefined` is a need that is not known yet. */
export function planDisk(needs: DiskNeeds | undefined, store: Space): DiskPlan {
  const unpacked = needs?.unpackedBytes ?? 0;
  const builds = needs === undefined || needs.builds > 0;
  const wanted = unpacked + margin + (builds ? buildReserve : 0);
  return { missing: Math.max(0, wanted - store.free), downloadsFit: unpacked <= store.free };
}

/** What Nix should be told, and what goes on behind it. */
export interface PreparedDisk {
  /** Lines of nix.conf and variables that put build directories where there is room. */
  conf: string[];
  env: Record<string, string>;
  /** Names of what was removed, once that is done. Never rejects. */
  reclaimed: Promise<string[]>;
  /** What Nix would fetch and build; undefined where it cannot say. */
  needs: ListedNeeds | undefined;
}

/** The machine, as a test may replace it. */
export interface DiskTools {
  measure?: (folder: string) => Promise<Space>;
  reclaim?: (host: Host, options: ReclaimOptions) => Promise<string[]>;
}

/**
 * Sees to it that the outputs will fit, as far as that can be known: measures, asks Nix what it
 * would fetch, and reclaims space in the background where it is short. `outputs` are undefined
 * where it is not known what will be built.
 *
 * Waits for the reclaiming only where even the downloads do not fit without it, and throws a
 * {@link Failure} with the numbers where they do not fit with it. What else may not fit is a warning.
 */
export async function prepareDisk(
  nix: Nix,
  outputs: readonly DerivationOutput[] | undefined,
  reclaim: ReclaimDisk,
  tools: DiskTools = {},
): Promise<PreparedDisk> {
  if (outputs?.length === 0 && reclaim !== 'true') {
    return { conf: [], env: {}, reclaimed: Promise.resolve([]), needs: parseDryRun('') };
  }
  const measure = tools.measure ?? measureSpace;
  const [needs, store] = await Promise.all([
    outputs && queryNeeds(nix, outputs),
    measure(nix.place ?? nix.storeDir),
  ]);
  const reclaimed = reclaimOrWarn(needs, store, reclaim, nix.host, { measure, ...tools });
  if (needs && !planDisk(needs, store).downloadsFit) {
    const removed = await reclaimed;
    const now = await measure(nix.place ?? nix.storeDir);
    if (!planDisk(needs, now).downloadsFit) throw doesNotFit(needs, now, removed, reclaim);
  }
  const builds = needs === undefined || needs.builds > 0;
  const placed = builds ? await placeBuilds(nix, measure) : { conf: [], env: {} };
  return { ...placed, reclaimed, needs };
}

/** Reclaims where that is wanted and allowed; a shortage that remains after it is a warning. */
async function reclaimOrWarn(
  needs: DiskNeeds | undefined,
  store: Space,
  reclaim: ReclaimDisk,
  host: Host,
  tools: Pick<DiskTools, 'reclaim'> & Required<Pick<DiskTools, 'measure'>>,
): Promise<string[]> {
  const remove = tools.reclaim ?? reclaimOnUse;
  const plan = async () => planDisk(needs, await tools.measure(store.folder));
  const short = planDisk(needs, store).missing > 0;
  let removed: string[] = [];
  if (reclaim === 'true') removed = await remove(host, {});
  else if (reclaim === 'auto' && short && isHostedRunner(host.env)) {
    const enough = async () => (await plan()).missing === 0;
    removed = await remove(host, { enough, device: store.device });
  }
  const after = short ? await plan() : undefined;
  if (after && after.missing > 0 && after.downloadsFit) warnOfShortage(needs, after, host);
  return removed;
}

/** Few runs come to it. */
const reclaimOnUse: NonNullable<DiskTools['reclaim']> = async (host, options) =>
  (await import('./disk-reclaim.ts')).reclaimDisk(host, options);

/** Whether this is a virtual machine that GitHub made for this job and throws away after it. */
export const isHostedRunner = (env: Host['env']): boolean =>
  env.RUNNER_ENVIRONMENT === 'github-hosted' && Boolean(env.ImageOS);

function warnOfShortage(needs: DiskNeeds | undefined, plan: DiskPlan, host: Host): void {
  const fetched = needs ? `${gigabytes(needs.unpackedBytes)} to be fetched` : 'what is fetched';
  const message =
    `The disk may become full: ${fetched} and an allowance for builds need ` +
    `${gigabytes(plan.missing)} more than is free.`;
  warn(host, message);
}

function doesNotFit(
  { downloadBytes, unpackedBytes }: DiskNeeds,
  { folder, free, total }: Space,
  removed: readonly string[],
  reclaim: ReclaimDisk,
): Failure {
  return new Failure(
    `What is to be fetched does not fit on the disk: it takes ${gigabytes(unpackedBytes)} ` +
      `unpacked, and ${gigabytes(free)} of ${gigabytes(total)} are free at ${folder}.`,
    {
      tried:
        removed.length > 0
          ? `to make room: ${removed.join(', ')} removed.`
          : `nothing was fetched (${gigabytes(downloadBytes)} of downloads), nothing removed.`,
      next:
        reclaim === 'false'
          ? 'Set `reclaim-disk: auto`, free some space (nix store gc), or use a larger disk.'
          : 'Free some space (nix store gc), or use a machine with a larger disk.',
    },
  );
}

/** The first Nix that builds below /nix/var by default; before it, in TMPDIR. */
const buildsBesideStore = '2.30';

/**
 * Moves build directories away from a small file system (a `/tmp` in memory) to the roomiest one
 * that there is. A `build-dir` that the user has set stays.
 */
async function placeBuilds(
  nix: Nix,
  measure: (folder: string) => Promise<Space>,
): Promise<Pick<PreparedDisk, 'conf' | 'env'>> {
  const stay = { conf: [], env: {} };
  const { env } = nix.host;
  const temporary = env.TMPDIR || '/tmp';
  const modern = isAtLeast(nix.version, buildsBesideStore);
  const current = await measure(modern ? (nix.place ?? nix.storeDir) : temporary);
  if (current.free >= buildReserve) return stay;
  const folders = [temporary, env.RUNNER_TEMP, '/var/tmp'].flatMap(folder => folder || []);
  const [best = current] = (await Promise.all(folders.map(measure))).sort(
    (a, b) => b.free - a.free,
  );
  if (best.device === current.device || best.free <= current.free) return stay;
  if ((await readConf(nix)).text('build-dir') !== '') return stay;
  return modern
    ? { conf: [`build-dir = ${best.folder}`], env: {} }
    : { conf: [], env: { TMPDIR: best.folder } };
}

/** The Nix that builds where {@link prepareDisk} has found room. */
export function placedOn({ conf, env }: Pick<PreparedDisk, 'conf' | 'env'>, nix: Nix): Nix {
  const lines = [nix.env.NIX_CONFIG, ...conf].filter(line => line !== undefined);
  return { ...nix, env: { ...nix.env, ...env, NIX_CONFIG: lines.join('\n') } };
}

/** Folders whose file systems a run fills: to be watched for its report. */
export function foldersInUse({ storeDir, place = storeDir, host: { env } }: Nix): string[] {
  const { TMPDIR, RUNNER_TEMP, GITHUB_WORKSPACE } = env;
  const folders = [place, TMPDIR || '/tmp', RUNNER_TEMP, '/var/tmp', GITHUB_WORKSPACE];
  return folders.flatMap(folder => folder || []);
}
