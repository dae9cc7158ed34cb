import type { Derivation } from '../nix/derivation.ts';

/** Six hex digits that stand for a text: enough to see that it is another one. */
export type Mark = string;

/** Field of a derivation → mark of its text. */
export type Marks = ReadonlyMap<string, Mark>;

/** The field in which a derivation has all of its attributes as JSON, where it has them so. */
const structured = '__json';

/**
 * Marks of what a derivation says itself: its environment by the variables' names, "builder", "args",
 * "system" and "outputs". Store paths in the texts do not count: what they lead to is an input, which says
 * itself whether it changed.
 *
 * @param storeDir what store paths begin with, such as /nix/store
 */
export function marksOf(derivation: Derivation, storeDir: string): Marks {
  const { env, builder, args, system, outputs } = derivation;
  const marks = new Map<string, Mark>();
  const mark = (name: string, text: string) => marks.set(name, markOf(text, storeDir));
  for (const [name, value] of env) if (name !== structured) mark(name, value);
  for (const [name, value] of attributesIn(env.get(structured))) mark(name, JSON.stringify(value));
  mark('builder', builder);
  mark('args', args.join('\0'));
  mark('system', system);
  mark('outputs', [...outputs.keys()].join('\0'));
  return marks;
}

function attributesIn(json: string | undefined): [string, unknown][] {
  if (json === undefined) return [];
  try {
    return Object.entries(JSON.parse(json));
  } catch {
    return [[structured, json]];
  }
}

/**
 * FNV-1a over the UTF-16 units of a text, 32 bits of which 24 are kept; a store path counts as one unit,
 * whatever its hash and name are. Two hundred megabytes of derivations take a quarter of a second.
 */
export function markOf(text: string, storeDir: string): Mark {
  const begin = `${storeDir}/`;
  let hash = 0x811c9dc5;
  let from = 0;
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, from)) {
    hash = mixed(mixed(hash, text, from, at), storePath, 0, 1);
    from = endOfName(text, at + begin.length);
  }
  hash = mixed(hash, text, from, text.length);
  return ((hash ^ (hash >>> 24)) & 0xffffff).toString(16).padStart(6, '0');
}

const storePath = '\uffff';

function mixed(hash: number, text: string, start: number, end: number): number {
  let mixture = hash;
  for (let at = start; at < end; at += 1) {
    mixture = Math.imul(mixture ^ text.charCodeAt(at), 0x01000193);
  }
  return mixture;
}

const nameUnit = /[0-9a-zA-Z+\-._?=]/;

/** Whether a UTF-16 unit can be part of a store path's name. */
const isNameUnit = Uint8Array.from({ length: 128 }, (_, unit) =>
  nameUnit.test(String.fromCharCode(unit)) ? 1 : 0,
);

function endOfName(text: string, start: number): number {
  let at = start;
  while (at < text.length && isNameUnit[text.charCodeAt(at)] === 1) at += 1;
  return at;
}
