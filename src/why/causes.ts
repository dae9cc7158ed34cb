import type { Changed, Changes, Difference } from './compare.ts';

/** A change that others follow from. */
export interface Cause extends Difference {
  /** The derivation that changed by itself, or the layer whose targets are others. */
  name: string;
  /** Layers that are made anew because of it, in the image's order. */
  layers: readonly string[];
  /** Derivations that make something else because of it, itself included. */
  rebuilds: number;
}

/** Why layers are made anew. */
export interface Causes {
  /** Those that move most first. */
  causes: readonly Cause[];
  /** Causes that are not listed. */
  more: number;
  /** Derivations that make something else than before. */
  derivations: number;
}

/** Causes that are looked at: one change of nixpkgs has thousands, of which few matter. */
const most = 40;

/**
 * The root causes of changes, apart from what only follows from them. A download that changed with the
 * version of all that takes it is told by that version.
 */
export function causesOf(changes: Changes): Causes {
  const { changed, derivations } = changes;
  const users = usersOf(changed);
  const roots = [...changed.keys()].filter(place => isRoot(place, changed, users));
  const layersOf = layersReached(changes);
  const isLayer = new Set(changes.layers.values());
  const causes = roots
    .map(place => ({ place, layers: layersOf.get(place) ?? [] }))
    .sort((one, other) => other.layers.length - one.layers.length || other.place - one.place)
    .slice(0, most)
    .map(({ place, layers }): Cause => {
      const { name, difference = nothing } = changed[place] ?? { name: '' };
      const reached = reachedFrom(place, users).filter(each => !isLayer.has(each));
      return { ...difference, name, layers, rebuilds: reached.length };
    });
  causes.sort((one, other) => other.rebuilds - one.rebuilds);
  return { causes, more: roots.length - causes.length, derivations };
}

/** The names from a layer down to the nearest of its causes, or to one that is named; both included. */
export function chainTo(changes: Changes, layer: string, cause?: string): string[] {
  const { changed, layers } = changes;
  const start = layers.get(layer);
  if (start === undefined) return [];
  const users = usersOf(changed);
  const from = new Map<number, number | undefined>([[start, undefined]]); // grows while it is read
  for (const place of from.keys()) {
    const isEnd =
      cause === undefined ? isRoot(place, changed, users) : changed[place]?.name === cause;
    if (isEnd) return wayTo(place, from).map(each => changed[each]?.name ?? '');
    for (const input of changed[place]?.inputs ?? []) if (!from.has(input)) from.set(input, place);
  }
  return [];
}

const nothing: Difference = { fields: [], sources: [], added: [], removed: [] };

function wayTo(end: number, from: ReadonlyMap<number, number | undefined>): number[] {
  const way: number[] = [];
  for (let at: number | undefined = end; at !== undefined; at = from.get(at)) way.unshift(at);
  return way;
}

function isRoot(place: number, changed: readonly Changed[], users: readonly number[][]): boolean {
  const difference = changed[place]?.difference;
  if (difference === undefined) return false;
  const takenBy = users[place] ?? [];
  const isTold = takenBy.length > 0 && takenBy.every(user => changed[user]?.difference?.version);
  return !(difference.content && isTold);
}

/** For each place those that are built from it. */
function usersOf(changed: readonly Changed[]): number[][] {
  const users: number[][] = changed.map(() => []);
  for (const [place, { inputs }] of changed.entries()) {
    for (const input of inputs) users[input]?.push(place);
  }
  return users;
}

/** A place and all that is built from it, directly or not. */
function reachedFrom(start: number, next: readonly (readonly number[])[]): number[] {
  const reached = new Set([start]); // grows while it is read
  for (const place of reached) for (const user of next[place] ?? []) reached.add(user);
  return [...reached];
}

/** For each place the layers that it is part of. */
function layersReached({ changed, layers }: Changes): ReadonlyMap<number, readonly string[]> {
  const inputs = changed.map(each => each.inputs);
  const names = new Map<number, string[]>();
  for (const [name, start] of layers) {
    for (const place of reachedFrom(start, inputs)) {
      names.set(place, [...(names.get(place) ?? []), name]);
    }
  }
  return names;
}
