import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file system that holds a folder; sizes are bytes. */
export interface Space {
  folder: string;
  /** For users other than root. */
  free: number;
  total: number;
  /** The same for folders on the same file system. */
  device: number;
}

/** Measures where a folder is, or will be: its nearest parent that is there. */
export async function measureSpace(folder: string): Promise<Space> {
  try {
    const [{ bavail, blocks, bsize }, { dev }] = await Promise.all([statfs(folder), stat(folder)]);
    return { folder, free: bavail * bsize, total: blocks * bsize, device: dev };
  } catch (error) {
    const parent = dirname(folder);
    if (parent === folder) throw error;
    return { ...(await measureSpace(parent)), folder };
  }
}

/** How full a file system became while it was watched; sizes are bytes. */
export interface DiskPeak {
  /** The first of the watched folders that it holds. */
  folder: string;
  total: number;
  /** The most that was in use, and how much more that was than at the start. */
  peak: number;
  growth: number;
}

/** Looks at file systems from time to time. */
export interface DiskWatch {
  /** Looks now as well. */
  sample(): Promise<void>;
  /** Looks once more, and ends the watch. */
  stop(): Promise<DiskPeak[]>;
}

/** Milliseconds between two looks. */
const interval = 2000;

/** Watches the file systems of the folders; the process does not stay alive for it. */
export async function watchDisk(
  folders: readonly string[],
  measure: (folder: string) => Promise<Space> = measureSpace,
): Promise<DiskWatch> {
  const inUse = ({ total, free }: Space) => total - free;
  const peaks = new Map<number, DiskPeak>();
  for (const space of await Promise.all(folders.map(measure))) {
    const { folder, total, device } = space;
    if (!peaks.has(device)) peaks.set(device, { folder, total, peak: inUse(space), growth: 0 });
  }
  const look = async (seen: DiskPeak) => {
    const above = inUse(await measure(seen.folder)) - seen.peak;
    if (above > 0) Object.assign(seen, { peak: seen.peak + above, growth: seen.growth + above });
  };
  const sample = async () => {
    // a folder that has gone meanwhile keeps what was seen of it
    await Promise.allSettled([...peaks.values()].map(look));
  };
  const timer = setInterval(() => void sample(), interval).unref();
  return {
    sample,
    stop: async () => {
      clearInterval(timer);
      await sample();
      return [...peaks.values()];
    },
  };
}

/** Bytes for a message: "12.3 GB". */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
