import { splitName } from '../record/packages.ts';
import type { KeptDerivation, KeptDerivations } from './kept.ts';
import { matchInputs } from './match.ts';

/** What of a derivation itself is otherwise than before. */
export interface Difference {
  /** Its version, where the name tells one. */
  version?: { from: string; to: string };
  /** Variables of its environment, and "builder", "args", "system", "outputs". */
  fields: readonly string[];
  /** Files and folders that it is built from: they changed, came or went. */
  sources: readonly string[];
  /** Names of derivations that it is built from, and was not; and the other way round. */
  added: readonly string[];
  removed: readonly string[];
  /** A download, or another output of a fixed hash, that holds something else now. */
  content?: true;
}

/** A derivation that makes something else than before; or a layer, which its targets make up. */
export interface Changed {
  /** The derivation's, without hash and ".drv"; the layer's. */
  name: string;
  /** Absent where only what it is built from changed. */
  difference?: Difference;
  /** Places, in the list of all, of what it is built from and changed as well. */
  inputs: readonly number[];
}

/** What of an image is otherwise than in another one. */
export interface Changes {
  changed: readonly Changed[];
  /** Layer → its place; absent where nothing of it changed. */
  layers: ReadonlyMap<string, number>;
  /** Derivations that make something else, layers not counted. */
  derivations: number;
}

/** Fields that say again what the name says. */
const ofName = new Set(['name', 'pname', 'version']);

/**
 * Compares the derivations of an image with those of the one before, from the layers' targets down. What
 * makes the same as before ends the way. Layers that are new are not told: nothing there was to change.
 */
export function compareDerivations(before: KeptDerivations, now: KeptDerivations): Changes {
  const then = (place: number) => at(before.derivations, place);
  const today = (place: number) => at(now.derivations, place);
  const changed: Changed[] = [];
  const places = new Map<number, number>(); // of what is now, in `changed`
  const pending: (() => void)[] = []; // graphs are deeper than a stack

  const visit = (was: number, is: number): number => {
    const known = places.get(is);
    if (known !== undefined) return known;
    const place = changed.push({ name: today(is).name, inputs: [] }) - 1;
    places.set(is, place);
    pending.push(() => {
      changed[place] = look(then(was), today(is));
    });
    return place;
  };
  const differing = (pairs: readonly (readonly [number, number])[]) =>
    pairs.filter(([was, is]) => then(was).id !== today(is).id).map(([was, is]) => visit(was, is));
  const look = (one: KeptDerivation, other: KeptDerivation): Changed => {
    if (isFixed(one) && isFixed(other)) return changedContent(one, other);
    const { pairs, added, removed } = matchInputs(one.inputs, other.inputs, then, today);
    const own = ownDifference(one, other, added.map(today), removed.map(then));
    const inputs = differing(pairs);
    const difference = inputs.length === 0 || isAny(own) ? { difference: own } : {};
    return { name: other.name, inputs, ...difference };
  };

  const layers = new Map<string, number>();
  for (const [name, targets] of now.layers) {
    const targetsBefore = before.layers.get(name);
    if (targetsBefore === undefined) continue;
    const { pairs, added, removed } = matchInputs(targetsBefore, targets, then, today);
    const inputs = differing(pairs);
    const own = {
      ...nothing,
      added: namesOf(added.map(today)),
      removed: namesOf(removed.map(then)),
    };
    if (inputs.length === 0 && !isAny(own)) continue;
    layers.set(
      name,
      changed.push({ name, inputs, ...(isAny(own) ? { difference: own } : {}) }) - 1,
    );
  }
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) next();
  return { changed, layers, derivations: places.size };
}

const nothing = { fields: [], sources: [], added: [], removed: [] };

const isAny = ({ version, fields, sources, added, removed }: Difference) =>
  version !== undefined || [fields, sources, added, removed].some(({ length }) => length > 0);

const namesOf = (derivations: readonly KeptDerivation[]) => derivations.map(({ name }) => name);

/** Its output is known before it is built; how it is fetched does not matter. */
const isFixed = ({ marks }: KeptDerivation) => marks.has('outputHash');

const changedContent = (one: KeptDerivation, other: KeptDerivation): Changed => ({
  name: other.name,
  inputs: [],
  difference: { ...nothing, ...versionChange(one, other), content: true },
});

function ownDifference(
  one: KeptDerivation,
  other: KeptDerivation,
  added: readonly KeptDerivation[],
  removed: readonly KeptDerivation[],
): Difference {
  const version = versionChange(one, other);
  const fields = differingNames(one.marks, other.marks);
  return {
    ...version,
    fields: version.version ? fields.filter(name => !ofName.has(name)) : fields,
    sources: differingNames(new Map(one.sources), new Map(other.sources)),
    added: namesOf(added),
    removed: namesOf(removed),
  };
}

function versionChange(one: KeptDerivation, other: KeptDerivation): Pick<Difference, 'version'> {
  const [from, to] = [splitName(one.name).version, splitName(other.name).version];
  return from === to ? {} : { version: { from, to } };
}

/** Names of which two tables say something else, or only one says something. */
function differingNames(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): string[] {
  const names: string[] = []; // mostly none, of thirty
  for (const [name, text] of one) if (other.get(name) !== text) names.push(name);
  for (const name of other.keys()) if (!one.has(name)) names.push(name);
  return names.sort();
}

function at(derivations: readonly KeptDerivation[], place: number): KeptDerivation {
  const found = derivations[place];
  if (found === undefined) throw new RangeError(`there is no derivation ${place}`);
  return found;
}
