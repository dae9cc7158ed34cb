import { createHash } from 'node:crypto';

/** A store path and the size of its contents in bytes. */
export interface SizedPath {
  path: string;
  narSize: number;
}

/** Paths up to this share of the largest layer stand with others; larger ones alone. */
const sharedFraction = 4;

/** Size classes, from the largest: each ends where the next begins, at a quarter of its size. */
const classFactor = 4;
const smallestClass = 2 ** 20;

/** A group is at most so many times as large as the largest path of its class (bench/split.ts). */
const groupFactor = 8;

/**
 * Splits the content of a layer into groups, one blob each, so that few bytes move when few
 * packages change. Content of up to a quarter of `maxLayerSize` stays whole; a path larger than
 * that stands alone. The others stand with paths of about their own size, so that the many small
 * ones drag nothing large along, and are dealt into groups by a hash of their package's name
 * without hash and version: a group that is too large is halved by the hash's next bit. So a
 * package that comes, goes or gets a new version changes its own group and no other. Where that
 * makes more than `limit` groups, all sizes double until it does not.
 *
 * Groups and the paths in them are in a fixed order, whatever the order of `paths`.
 */
export function splitPaths(
  paths: readonly SizedPath[],
  maxLayerSize: number,
  limit: number,
): SizedPath[][] {
  const sorted = [...paths].sort((a, b) => (a.path < b.path ? -1 : 1));
  const keyed = sorted.map(path => ({ ...path, key: nameKey(path.path) }));
  const shared = Math.max(1, maxLayerSize / sharedFraction);
  for (let scale = 1; ; scale *= 2) {
    const groups = totalOf(keyed) <= shared ? [keyed] : groupBySize(keyed, shared, scale);
    if (groups.length > Math.max(1, limit)) continue;
    return groups
      .filter(group => group.length > 0)
      .map(group => group.map(({ path, narSize }) => ({ path, narSize })));
  }
}

/**
 * Groups of all size classes, the largest first; `scale` makes the classes wider and groups larger.
 */
function groupBySize(paths: readonly KeyedPath[], shared: number, scale: number): KeyedPath[][] {
  let upper = shared * scale;
  const groups = paths.filter(path => path.narSize > upper).map(path => [path]);
  for (;;) {
    const last = upper <= smallestClass * scale;
    const lower = last ? -1 : upper / classFactor;
    const members = paths.filter(({ narSize }) => narSize > lower && narSize <= upper);
    groups.push(...halve(members, Math.min(shared * scale, upper * groupFactor), 0));
    if (last) return groups;
    upper = lower;
  }
}

interface KeyedPath extends SizedPath {
  /** Text of zeros and ones: 32 for the package's name, then 32 for the path. */
  key: string;
}

const totalOf = (paths: readonly SizedPath[]) =>
  paths.reduce((sum, { narSize }) => sum + narSize, 0);

function halve(paths: KeyedPath[], size: number, bit: number): KeyedPath[][] {
  if (paths.length === 0) return [];
  if (totalOf(paths) <= size || bit === 64) return [paths];
  const half = (digit: string) => paths.filter(path => path.key[bit] === digit);
  return [...halve(half('0'), size, bit + 1), ...halve(half('1'), size, bit + 1)];
}

const nameKey = (path: string) => hashBits(packageName(path)) + hashBits(path);

const hashBits = (text: string) =>
  createHash('sha256').update(text).digest().readUInt32BE().toString(2).padStart(32, '0');

/**
 * The name of a store path's package as Nix's parseDrvName gives it: without folder, hash, version
 * and what follows the version (an output's name). "/nix/store/…-cuda_cudart-12.8.90-lib" is
 * "cuda_cudart".
 */
export function packageName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^[0-9a-z]{32}-/, '');
  return name.replace(/-[0-9].*$/, '');
}
