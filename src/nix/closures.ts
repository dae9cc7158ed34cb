import { Failure } from '../host/failure.ts';
import { queryPathInfo, queryRequisites, queryValid } from './store.ts';
import type { Nix } from './types.ts';

/** A store path and its size. */
interface SizedPath {
  path: string;
  /** Bytes of the path as a NAR. */
  narSize: number;
}

/** A store path and all that it reaches by references, sorted. */
export type Closure = readonly SizedPath[];

/**
 * What the store has said of its paths in this run, so that nothing is asked twice: references and
 * size of a valid path never change. All questions reject with a {@link Failure} when the store does
 * not answer, or a path that is to be valid is not.
 */
export interface Closures {
  /**
   * The closure of a valid path. Where it is not known yet, it is asked for in two questions, together
   * with those of `besides`, other valid paths.
   */
  of(nix: Nix, path: string, besides?: readonly string[]): Promise<Closure>;
  /**
   * Path → closure, of those paths that are valid: in three questions at most. One whose closure is
   * known was valid before, and is taken to be still.
   */
  here(nix: Nix, paths: readonly string[]): Promise<ReadonlyMap<string, Closure>>;
  /** What a path refers to, itself included where it does; undefined where that was not asked for. */
  referencesOf(path: string): readonly string[] | undefined;
  /** The size of a path, in bytes as a NAR; undefined where that was not asked for. */
  sizeOf(path: string): number | undefined;
  /** The sizes of valid paths: those that are not known yet take one question. */
  sized(nix: Nix, paths: readonly string[]): Promise<Closure>;
}

/** What is known of a path. */
interface Known {
  sized: SizedPath;
  references: readonly string[];
}

/** Starts with nothing known. */
export function startClosures(): Closures {
  const known = new Map<string, Known>();
  const closures = new Map<string, Closure>();

  const closureOf = (path: string): Closure | undefined => {
    const closure = closures.get(path) ?? closureWithin(known, path);
    if (closure) closures.set(path, closure);
    return closure;
  };

  const learn = async (nix: Nix, paths: readonly string[]) => {
    const unknown = paths.filter(path => !known.has(path));
    for (const [path, { narSize, references }] of await queryPathInfo(nix, unknown)) {
      known.set(path, { sized: { path, narSize }, references });
    }
  };

  const learnClosures = async (nix: Nix, paths: readonly string[]) => {
    const unknown = [...new Set(paths)].filter(path => closureOf(path) === undefined);
    await learn(nix, await queryRequisites(nix, unknown));
  };

  return {
    of: async (nix, path, besides = []) => {
      await learnClosures(nix, [path, ...besides]);
      return closureOf(path) ?? lost(path);
    },
    here: async (nix, paths) => {
      const unsure = paths.filter(path => closureOf(path) === undefined);
      const invalid = new Set(unsure).difference(await queryValid(nix, unsure));
      const valid = paths.filter(path => !invalid.has(path));
      await learnClosures(nix, valid);
      return new Map(valid.map(path => [path, closureOf(path) ?? lost(path)]));
    },
    referencesOf: path => known.get(path)?.references,
    sizeOf: path => known.get(path)?.sized.narSize,
    sized: async (nix, paths) => {
      await learn(nix, paths);
      return paths.map(path => known.get(path)?.sized ?? lost(path));
    },
  };
}

/** All that `root` reaches; undefined where something of it is not known. */
function closureWithin(known: ReadonlyMap<string, Known>, root: string): Closure | undefined {
  const reached = new Map<string, SizedPath>();
  const pending = new Set([root]); // grows while it is read
  for (const path of pending) {
    const found = known.get(path);
    if (found === undefined) return undefined;
    reached.set(path, found.sized);
    for (const reference of found.references) pending.add(reference);
  }
  return [...reached.values()].sort(byPath);
}

const byPath = (one: SizedPath, other: SizedPath) => (one.path < other.path ? -1 : 1);

function lost(path: string): never {
  throw new Failure(`The store has lost ${path} while it was being asked.`, {
    next: 'Run the command again; if it happens again, look for a garbage collection in between.',
  });
}
