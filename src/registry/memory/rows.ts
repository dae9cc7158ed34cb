import type { Fields } from '../../host/foreign-value.ts';

/** Fields that a newer program has written: they are kept, and looked at by nobody. */
export interface WithMore {
  more?: Fields;
}

/**
 * A store path as one build of it refers to others. Two builds of one path may refer to different ones:
 * then there are two rows.
 */
export interface PathRow extends WithMore {
  path: string;
  /** Without itself; absent where they are not known. */
  references?: readonly PathRow[];
}

/** Rows that were reached, by the walk that reached them last: a set of them is ten times slower. */
const reachedBy = Symbol('reached by');
let walks = 0;

/** The path and all that it reaches by references; undefined where something of it is not known. */
export function closureOfRow(root: PathRow): string[] | undefined {
  walks += 1;
  const walk = walks;
  const reached: (PathRow & { [reachedBy]?: number })[] = [root]; // grows while it is read
  for (const { references } of reached) {
    if (references === undefined) return undefined;
    for (const row of references as typeof reached) {
      if (row[reachedBy] === walk) continue;
      row[reachedBy] = walk;
      reached.push(row);
    }
  }
  return reached.map(({ path }) => path);
}

/**
 * Makes rows of what a store says; each path is asked for once. The row of a path is undefined where the
 * store does not know all that it reaches.
 */
export function rowsOfStore(
  referencesOf: (path: string) => readonly string[] | undefined,
): (path: string) => PathRow | undefined {
  const rows = new Map<string, { path: string; references: PathRow[] }>();
  return root => {
    const found = new Map<string, readonly string[]>();
    const pending = new Set([root]); // grows while it is read
    for (const path of pending) {
      if (rows.has(path)) continue;
      const references = referencesOf(path);
      if (references === undefined) return undefined;
      found.set(path, references);
      for (const each of references) pending.add(each);
    }
    for (const path of found.keys()) rows.set(path, { path, references: [] });
    for (const [path, references] of found) {
      const others = references.filter(each => each !== path).sort();
      rows.get(path)?.references.push(...others.flatMap(each => rows.get(each) ?? []));
    }
    return rows.get(root);
  };
}
