import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import { isRecord, jsonValue } from '../host/foreign-value.ts';
import { limits } from '../host/limits.ts';
import type { KeptDerivation, KeptDerivations } from './kept.ts';

/** Digits of a mark. */
const digits = 6;

const text = v.pipe(v.string(), v.maxLength(limits.memoryText));
const place = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const places = v.array(place);

/**
 * `[name, id, inputs, sources, fields, marks]`: inputs are places; sources are name and hash in turn; fields
 * are a place in `fields`, and marks one text, six digits for each of them.
 */
const rowSchema = v.tuple([text, text, places, v.array(text), place, v.string()]);

const documentSchema = v.object({
  format: v.literal(1),
  /** Names of the fields that derivations have: most have the same ones. */
  fields: v.array(v.array(text)),
  derivations: v.array(rowSchema),
  layers: v.array(v.tuple([text, places])),
});

/** What is kept of an image's derivations as a JSON document: 20,000 are 6 MB, and 1 MB compressed. */
export function writeKept({ derivations, layers }: KeptDerivations): string {
  const fields = new Map<string, number>(); // names as text → place
  const rows = derivations.map(({ name, id, inputs, sources, marks }) => {
    const names = [...marks.keys()].sort();
    const key = JSON.stringify(names);
    if (!fields.has(key)) fields.set(key, fields.size);
    const all = names.map(each => marks.get(each)).join('');
    return [name, id, inputs, sources.flat(), fields.get(key), all];
  });
  return JSON.stringify({
    format: 1,
    fields: [...fields.keys()].map(names => JSON.parse(names)),
    derivations: rows,
    layers: [...layers],
  });
}

/** Reads such a document. Throws a {@link Failure} where it is none, or leads to places that are not there. */
export function readKept(json: string): KeptDerivations {
  const value = jsonValue(json);
  const parsed = v.safeParse(documentSchema, isRecord(value) ? value : null, { abortEarly: true });
  if (!parsed.success) throw unreadable('it has not its shape');
  const { fields, derivations, layers } = parsed.output;
  const isThere = (at: number) => at < derivations.length;
  const kept = derivations.map(([name, id, inputs, sources, shape, marks]): KeptDerivation => {
    const names = fields[shape];
    if (names === undefined || marks.length !== names.length * digits || !inputs.every(isThere)) {
      throw unreadable(`what it says of ${JSON.stringify(name)} does not fit`);
    }
    return { name, id, inputs, sources: inPairs(sources), marks: marksIn(marks, names) };
  });
  if (!layers.every(([, targets]) => targets.every(isThere)))
    throw unreadable('a layer is of nothing');
  return { derivations: kept, layers: new Map(layers) };
}

const unreadable = (reason: string) =>
  new Failure(`What was kept of the derivations cannot be read: ${reason}.`, {
    next: 'Nothing needs to be done: the next run that changes something writes it anew.',
  });

function marksIn(marks: string, names: readonly string[]): ReadonlyMap<string, string> {
  const byName = new Map<string, string>();
  for (const [at, name] of names.entries()) {
    byName.set(name, marks.slice(at * digits, (at + 1) * digits));
  }
  return byName;
}

function inPairs(texts: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < texts.length; at += 2) pairs.push([texts[at] ?? '', texts[at + 1] ?? '']);
  return pairs;
}
