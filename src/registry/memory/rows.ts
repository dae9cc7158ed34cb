import type { Fields } from '../../host/foreign-value.ts';

/** Fields that a newer program has written: they are kept, and looked at by nobody. */
export interface WithMore {
  more?: Fields;
}

/**
 * Store paths with what they refer to. Rows are places and no objects, and their texts are made when they
 * are asked for: there are hundreds of thousands.
 */
export interface PathTable {
  count: number;
  pathAt(at: number): string;
  /** The places of what it refers to, without itself; undefined where that is not known. */
  referencesAt(at: number): ArrayLike<number> | undefined;
  /** Bytes as a NAR; undefined where that is not known. */
  sizeAt?(at: number): number | undefined;
  moreAt?(at: number): Fields | undefined;
}

/**
 * A store path as one build of it refers to others. Two builds of one path may refer to different ones:
 * then there are two rows.
 */
export interface PathRow {
  table: PathTable;
  at: number;
}

/** A row of which nobody knows what it refers to. */
export const loneRow = (path: string): PathRow => ({
  table: { count: 1, pathAt: () => path, referencesAt: () => undefined },
  at: 0,
});

/** A path, and its size in bytes as a NAR where that is known. */
export interface SizedRow {
  path: string;
  narSize: number | undefined;
}

/** The path and all that it reaches by references; undefined where something of it is not known. */
export function closureOfRow(row: PathRow): string[] | undefined {
  return reachedFrom(row)?.map(at => row.table.pathAt(at));
}

/** The same with sizes. */
export function sizedClosureOfRow(row: PathRow): SizedRow[] | undefined {
  const { table } = row;
  return reachedFrom(row)?.map(at => ({ path: table.pathAt(at), narSize: table.sizeAt?.(at) }));
}

function reachedFrom({ table, at: root }: PathRow): number[] | undefined {
  const isReached = new Uint8Array(table.count);
  const reached = [root]; // grows while it is read
  isReached[root] = 1;
  for (const at of reached) {
    const references = table.referencesAt(at);
    if (references === undefined) return undefined;
    for (let each = 0; each < references.length; each += 1) {
      const other = references[each] ?? 0;
      if (isReached[other] === 0) reached.push(other);
      isReached[other] = 1;
    }
  }
  return reached;
}

/**
 * Makes rows of what a store says; each path is asked for once. The row of a path is undefined where the
 * store does not know all that it reaches.
 */
export function rowsOfStore(
  referencesOf: (path: string) => readonly string[] | undefined,
  sizeOf: (path: string) => number | undefined = () => undefined,
): (path: string) => PathRow | undefined {
  const paths: string[] = [];
  const references: number[][] = [];
  const places = new Map<string, number>();
  const table: PathTable = {
    get count() {
      return paths.length;
    },
    pathAt: at => paths[at] ?? '',
    referencesAt: at => references[at],
    sizeAt: at => sizeOf(paths[at] ?? ''),
  };
  return root => {
    const found = new Map<string, readonly string[]>();
    const pending = new Set([root]); // grows while it is read
    for (const path of pending) {
      if (places.has(path)) continue;
      const others = referencesOf(path);
      if (others === undefined) return undefined;
      found.set(path, others);
      for (const each of others) pending.add(each);
    }
    for (const path of found.keys()) places.set(path, paths.push(path) - 1);
    for (const [path, all] of found) {
      const others = all.filter(each => each !== path).sort();
      references[places.get(path) ?? 0] = others.flatMap(each => places.get(each) ?? []);
    }
    const at = places.get(root);
    return at === undefined ? undefined : { table, at };
  };
}
