import type { BuildRecord, PushRecord } from '../record/types.ts';
import { formatBytes, plural, storeName } from './units.ts';

/** What one cache did in a run: its name, what it was used for, and what came of it. */
export type CacheRow = readonly [cache: string, use: string, result: string];

/** A row for each use of a cache; none where caches had nothing to do. */
export function cacheRows({ caches }: BuildRecord): CacheRow[] {
  if (caches === undefined) return [];
  const restored = caches.github.map(({ layer, found }) => `${layer}: ${found}`).join(', ');
  return [
    ...caches.substituters.map(({ cache, paths, narSize }): CacheRow => {
      return [cache, 'read', `${pathCount(paths)}, ${formatBytes(narSize)}`];
    }),
    ...(restored === '' ? [] : [["GitHub's cache", 'restored', restored] as const]),
    ...caches.pushes.map((push): CacheRow => [push.cache, 'pushed to', pushResult(push)]),
    ...caches.leftOut.map(({ cache, reason }): CacheRow => [cache, 'left out', reason]),
  ];
}

function pushResult({ pushed, failed, failures }: PushRecord): string {
  if (failed === 0) return pathCount(pushed);
  const told = failures.map(({ path, reason }) => `${storeName(path)}: ${reason}`);
  const more = failed > told.length ? ', and more' : '';
  return `${pathCount(pushed)}, ${failed} failed (${told.join('; ')}${more})`;
}

const pathCount = (paths: number): string => plural(paths, 'path');

/** How full the disk became, and what was removed from it; undefined where it was not measured. */
export function diskLine({ disk }: BuildRecord): string | undefined {
  const [first, ...others] = disk?.fileSystems ?? [];
  if (disk === undefined || first === undefined) return undefined;
  const told = [first, ...others.filter(({ growth }) => growth > 0)].map(
    ({ folder, total, peak, growth }) =>
      `${formatBytes(peak)} of ${formatBytes(total)} at ${folder} (${formatBytes(growth)} more ` +
      'than at the start)',
  );
  const removed = disk.reclaimed.length === 0 ? '' : `; removed: ${disk.reclaimed.join(', ')}`;
  return `Disk in use at most: ${told.join(', ')}${removed}.`;
}

/** How a builder is called in a report. */
export const machineName = (machine: string): string => machine || 'this machine';

/** How many derivations each machine has built; undefined where none but this one has. */
export function machinesLine({ layers }: BuildRecord): string | undefined {
  const machines = layers.flatMap(layer => layer.builtDerivations.map(({ machine }) => machine));
  if (machines.every(machine => machine === '')) return undefined;
  const counts = Object.entries(Object.groupBy(machines, machineName)).map(
    ([machine, builds = []]) => `${builds.length} on ${machine}`,
  );
  return `Derivations built: ${counts.join(', ')}.`;
}

/** Warnings that the table of caches does not tell already: a cache that is left out is told of once. */
export function otherWarnings({ caches, warnings }: BuildRecord): string[] {
  const leftOut = caches?.leftOut.map(({ cache }) => cache) ?? [];
  return warnings.filter(warning => !leftOut.some(cache => warning.includes(cache)));
}
