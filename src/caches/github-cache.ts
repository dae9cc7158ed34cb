import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ProgressEvent } from '../host/events.ts';
import type { Host } from '../host/host.ts';
import { type Transport, transport } from '../nix/install/download.ts';
import type { Release } from '../nix/install/releases.ts';
import { isDerivationPath } from '../nix/names.ts';
import { type EvaluationEntry, evaluationEntry, evaluationPrefix } from './github/evaluation.ts';
import { cachedTarball, plainName, targetFolder } from './github/folders.ts';
import { pathsIn } from './github/nar-folder.ts';
import { hasGithubCache } from './github/runner.ts';
import type { GithubCacheState, TargetEntry } from './github/save.ts';
import { type CacheService, cacheService } from './github/service.ts';
import { type CachedTarball, cachedTransport } from './github/tarball.ts';
import type { Substituter } from './types.ts';

export { type GithubCacheState, saveGithubCache } from './github/save.ts';

/** A layer target (or the one target of a flake) that may have to be built. */
export interface CacheableTarget {
  name: string;
  drvPath: string;
  outPath: string;
  /** The output is an image archive, which is never cached; what it is made from is. */
  isArchive?: boolean;
}

/** GitHub's cache in the main phase of a run: everything is read here, and written in `post`. */
export interface GithubCache {
  /** For `ensureNix`: the release's tarball comes from the cache when it is there. */
  tarballTransport(release: Release, server?: Transport): Transport;
  /** Before the evaluation: Nix's caches of fetched inputs and of evaluations. */
  restoreEvaluation(flake: string, workingDirectory: string): Promise<void>;
  /**
   * Before targets are realised: what earlier runs built for them or for their predecessors, as
   * substituters. They carry no signature: Nix uses them for a trusted user alone. `targets` are in
   * the order of the layers, and all up to the last one needed: what was built for a target may refer
   * to what was built for one before it. May be called again for more targets.
   */
  restoreTargets(targets: readonly CacheableTarget[], system: string): Promise<Substituter[]>;
  /** Learns from the run's events what was built. */
  take(event: ProgressEvent): void;
  /** What `post` has to know; plain JSON, without secrets, and right at any time of the run. */
  state(): GithubCacheState;
}

/**
 * Opens the cache that GitHub gives to a repository; undefined where the runner offers none. Nothing
 * of it fails a run: the first failure is a warning, and the run goes on without.
 */
export function openGithubCache(
  host: Host,
  service: CacheService = cacheService(host),
): GithubCache | undefined {
  if (!hasGithubCache(host.env)) return undefined;
  const built = new Set<string>();
  let tarball: CachedTarball | undefined;
  let evaluation: EvaluationEntry | undefined;
  const targets: TargetEntry[] = [];
  return {
    tarballTransport(release, server = transport) {
      const wanted = cachedTarball(release.sha256, host.env);
      return cachedTransport(wanted, service, server, kept => {
        tarball = kept;
      });
    },
    async restoreEvaluation(flake, workingDirectory) {
      const entry = await evaluationEntry(flake, workingDirectory, host.env);
      const restored = await service.restore(entry.paths, entry.key, [evaluationPrefix]);
      evaluation = restored === entry.key ? undefined : entry;
    },
    async restoreTargets(wanted, system) {
      const restored = wanted.map(target => restoreTarget(target, system, host.env, service));
      const entries = await Promise.all(restored);
      targets.push(...entries);
      const filled = entries.filter(entry => entry.restored !== undefined);
      return filled.map(({ name }) => {
        return { url: `file://${targetFolder(name, host.env)}?trusted=true`, publicKeys: [] };
      });
    },
    take(event) {
      if (event.type !== 'build-end' || event.failed) return;
      // a builder can make up events of Nix, with any text in them
      if (isDerivationPath(event.derivation)) built.add(event.derivation);
    },
    state: () => ({
      built: [...built],
      targets,
      ...(tarball ? { tarball: tarball.sha256 } : {}),
      ...(evaluation ? { evaluation: evaluation.key } : {}),
    }),
  };
}

/**
 * Looks for the target's own entry, then for what a run that failed has left of it, then for its
 * predecessors, newest first. Another target's entries have another folder and are never found.
 */
async function restoreTarget(
  { name, drvPath, outPath, isArchive = false }: CacheableTarget,
  system: string,
  env: Host['env'],
  service: CacheService,
): Promise<TargetEntry> {
  const folder = targetFolder(name, env);
  const prefix = `comfy-nix-${system}-${plainName(name)}-`;
  const key = prefix + basename(drvPath).slice(0, 32);
  await rm(folder, { recursive: true, force: true });
  const found = await service.restore([folder], key, [`${key}-`, prefix]);
  const usable = found !== undefined && (await pathsIn(folder)).length > 0;
  const entry = { name, drvPath, outPath, isArchive, key };
  if (usable) return { ...entry, restored: found };
  await rm(folder, { recursive: true, force: true }); // half an entry must not be saved as one
  return entry;
}
