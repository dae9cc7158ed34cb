import { glob, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { statsAt } from '../../host/presence.ts';
import { notice, warn } from '../../host/say.ts';
import { type DerivationGraph, readDerivationGraph } from '../../nix/derivation.ts';
import { queryValid } from '../../nix/store.ts';
import type { Nix } from '../../nix/types.ts';
import { derivationIfThere, isImageArchive } from '../built-outputs.ts';
import { evaluationPaths } from './evaluation.ts';
import { cachedTarball, targetFolder } from './folders.ts';
import { addPaths, keepOnly } from './nar-folder.ts';
import { type CacheService, cacheService } from './service.ts';
import { isWhole } from './tarball.ts';

/** A target whose folder of NARs is saved, and the keys that go with it. */
export interface TargetEntry {
  name: string;
  drvPath: string;
  outPath: string;
  isArchive: boolean;
  /** Its own key, for all that was built for it. */
  key: string;
  /** The key of the entry that the folder was filled from. */
  restored?: string;
}

/**
 * What the main phase hands to `post`: plain JSON. It names no file but store paths, and no program:
 * `post` knows by itself where they are.
 */
export interface GithubCacheState {
  /** Derivations that were built in this run, on this machine or for it. */
  built: readonly string[];
  targets: readonly TargetEntry[];
  /** Checksum of the release's tarball (lower-case hex) when it was downloaded from its server. */
  tarball?: string;
  /** The key of the evaluation's entry when the cache had none for this lock file. */
  evaluation?: string;
}

/** What `post` saves with. */
export interface SaveSettings {
  /** Bytes. */
  limit: number;
  /** Undefined: there is none any more, and targets are not saved. */
  nix: Nix | undefined;
}

/** What was saved, by key, and its bytes on disk; store paths that did not fit. */
export interface GithubCacheReport {
  saved: readonly { key: string; size: number }[];
  leftOut: readonly string[];
}

/**
 * Saves what the run has learnt, after success as after failure: the smallest things first, then the
 * targets in their order, as far as the limit goes. Never rejects; what fails is a warning.
 */
export async function saveGithubCache(
  state: GithubCacheState,
  { limit, nix }: SaveSettings,
  host: Host,
  service: CacheService = cacheService(host),
): Promise<GithubCacheReport> {
  const saved: { key: string; size: number }[] = [];
  const leftOut: string[] = [];
  let room = limit;
  const save = async (paths: readonly string[], key: string, size: number) => {
    if (size > room) return;
    if ((await service.save(paths, key)) === 'saved') saved.push({ key, size });
    room -= size;
  };
  await warning(host, async () => {
    const tarball =
      state.tarball === undefined ? undefined : cachedTarball(state.tarball, host.env);
    if (tarball && (await isWhole(tarball))) {
      await save([dirname(tarball.file)], tarball.key, (await stat(tarball.file)).size);
    }
    if (state.evaluation !== undefined) {
      const paths = evaluationPaths(host.env);
      const size = await sizeOf(paths);
      if (size > 0) await save(paths, state.evaluation, size);
    }
  });
  const unclaimed = await derivationsBuilt(state.built);
  for (const target of state.targets) {
    if (nix === undefined) break;
    await warning(host, async () => {
      const folder = targetFolder(target.name, host.env);
      const filled = await fillFolder(target, folder, unclaimed, nix, room);
      leftOut.push(...filled.leftOut);
      if (filled.added) await save([folder], filled.key, filled.size);
      else room -= filled.size;
    });
  }
  tellLeftOut(leftOut, limit, host);
  return { saved, leftOut };
}

/** A derivation that was built: what it made, and whether anybody could fetch the same. */
interface Built {
  outputs: readonly string[];
  fixed: boolean;
}

/** Those that cannot be read any more are left out; a collected derivation is no reason to fail. */
async function derivationsBuilt(drvPaths: readonly string[]): Promise<Map<string, Built>> {
  const built = new Map<string, Built>();
  for (const drvPath of drvPaths) {
    const derivation = derivationIfThere(drvPath);
    if (derivation === undefined) continue;
    const { outputs, env } = derivation;
    const paths = [...outputs.values()].filter(
      path => path !== '' && !isImageArchive(path, drvPath),
    );
    built.set(drvPath, { outputs: paths, fixed: env.has('outputHash') });
  }
  return built;
}

/**
 * Brings a target's folder to what its derivation can use: what was restored and is still wanted, and
 * what was built for it now, taken out of `unclaimed`, so that no path is in two entries.
 */
async function fillFolder(
  target: TargetEntry,
  folder: string,
  unclaimed: Map<string, Built>,
  nix: Nix,
  room: number,
): Promise<{ added: boolean; size: number; key: string; leftOut: readonly string[] }> {
  const graph = await readDerivationGraph([target.drvPath]);
  const wanted = new Set([...graph.values()].flatMap(({ outputs }) => [...outputs.values()]));
  if (target.isArchive) wanted.delete(target.outPath);
  const kept = await keepOnly(folder, wanted);
  const keptSize = kept.reduce((sum, { size }) => sum + size, 0);
  const outputs = claim(graph, unclaimed);
  // an entry never changes: nothing can be added to the target's own
  if (target.restored === target.key) {
    return { added: false, size: keptSize, key: target.key, leftOut: [] };
  }
  const there = new Set(kept.map(({ storePath }) => storePath));
  const valid = await queryValid(nix, [...outputs, target.outPath]);
  const missing = outputs.filter(path => wanted.has(path) && valid.has(path) && !there.has(path));
  const { added, leftOut } = await addPaths(nix, folder, missing, room - keptSize);
  return {
    added: added.length > 0,
    size: added.reduce((sum, { size }) => sum + size, keptSize),
    key:
      valid.has(target.outPath) && leftOut.length === 0
        ? target.key
        : `${target.key}-${runName(nix.host)}`,
    leftOut,
  };
}

/** Outputs that were built for this graph; fixed ones last, for they have a server of their own. */
function claim(graph: DerivationGraph, unclaimed: Map<string, Built>): string[] {
  const claimed = [...unclaimed].filter(([drvPath]) => graph.has(drvPath));
  for (const [drvPath] of claimed) unclaimed.delete(drvPath);
  return claimed
    .map(([, built]) => built)
    .sort((one, other) => Number(one.fixed) - Number(other.fixed))
    .flatMap(({ outputs }) => outputs);
}

/** What is only a part (of a build that failed, or within the limit) is found by the key and this. */
const runName = ({ env, clock }: Host) =>
  `${env.GITHUB_RUN_ID ?? clock()}.${env.GITHUB_RUN_ATTEMPT ?? 1}`;

/** Bytes of the files and folders that patterns name. */
async function sizeOf(patterns: readonly string[]): Promise<number> {
  let size = 0;
  for (const pattern of patterns) {
    for await (const file of glob([pattern, `${pattern}/**`])) {
      const found = await statsAt(file);
      if (found?.isFile()) size += found.size;
    }
  }
  return size;
}

function tellLeftOut(paths: readonly string[], limit: number, host: Host): void {
  if (paths.length === 0) return;
  const message = `GitHub's cache: ${paths.length} built paths did not fit into its limit of ${limit} bytes, ${paths[0]} for one.`;
  notice(host, message);
}

/** The cache is a help: what goes wrong with it is told, and the next part goes on. */
async function warning(host: Host, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    host.signal?.throwIfAborted();
    const message = `GitHub's cache was not saved: ${explain(error)}`;
    warn(host, message);
  }
}
