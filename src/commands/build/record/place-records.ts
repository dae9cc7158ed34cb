import type { GithubCache } from '../../../caches/github-cache.ts';
import type { PushReport } from '../../../caches/types.ts';
import type { DiskPeak } from '../../../nix/disk-space.ts';
import type {
  BuildRecord,
  PushRecord,
  RestoredRecord,
  SubstituterRecord,
} from '../../../record/types.ts';
import type { CacheOutcome } from '../caches.ts';

/** Failures of one cache that are told; they mostly have one reason. */
const mostFailures = 5;

/** What a build knows of those places when it ends; of those that it did not reach, nothing. */
interface Places {
  cached?: CacheOutcome;
  github?: GithubCache;
  disk?: DiskPeak[];
  reclaimed: string[];
}

/** What the record says of the places that store paths came from and went to: caches and the disk. */
export function placeRecords(
  { cached, github, disk, reclaimed }: Places,
  substituters: SubstituterRecord[],
): Pick<BuildRecord, 'caches' | 'disk'> {
  return {
    ...(cached
      ? {
          caches: {
            substituters,
            pushes: cached.reports.map(pushRecord),
            github: github === undefined ? [] : restoredRecords(github),
            leftOut: [...cached.leftOut],
          },
        }
      : {}),
    ...(disk ? { disk: { fileSystems: disk, reclaimed } } : {}),
  };
}

function pushRecord({ name, pushed, failed }: PushReport): PushRecord {
  const failures = failed.slice(0, mostFailures).map(({ path, reason }) => ({ path, reason }));
  return { cache: name, pushed, failed: failed.length, failures };
}

function restoredRecords(github: GithubCache): RestoredRecord[] {
  return github.state().targets.map(({ name, key, restored }) => {
    const found = restored === undefined ? 'miss' : restored === key ? 'hit' : 'part';
    return { layer: name, found };
  });
}
