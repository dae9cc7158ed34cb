import * as v from 'valibot';
import { isRecord } from '../../host/foreign-value.ts';
import { limits } from '../../host/limits.ts';
import { parseInOrder } from './python-json.ts';
import { checkShape, isStrings, malformed, parseJson, repoTagSchema } from './source-image.ts';

const word = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/));
const path = v.pipe(v.string(), v.startsWith('/'), v.maxLength(limits.archiveName));
const owner = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(Number),
  v.integer(),
  v.minValue(0),
  v.maxValue(limits.owner),
);
const ownerName = v.pipe(v.string(), v.maxLength(255));
const time = v.pipe(v.string(), v.maxLength(64));

/** conf.json of nixpkgs' streamLayeredImage, as far as it is used here. */
const confSchema = v.object({
  architecture: word,
  // older nixpkgs have none of what has a default here
  os: v.optional(word, 'linux'),
  variant: v.optional(word),
  config: v.custom<Record<string, unknown>>(isRecord),
  from_image: v.nullish(path),
  store_layers: v.pipe(v.array(v.custom<string[]>(isStrings)), v.maxLength(limits.sourceLayers)),
  customisation_layer: path,
  repo_tag: repoTagSchema,
  created: time,
  mtime: v.optional(time),
  uid: v.optional(owner, 0),
  gid: v.optional(owner, 0),
  uname: v.optional(ownerName, 'root'),
  gname: v.optional(ownerName, 'root'),
});

export type LayeredConf = v.InferOutput<typeof confSchema>;

/** Reads a conf.json, its keys in order; throws a `Failure` that names what is wrong in it. */
export function readLayeredConf(json: string, name: string): LayeredConf {
  return checkShape(confSchema, parseJson(json, name, parseInOrder), name);
}

/** What a conf.json is called, wherever its folder is. */
const confName = /^[0-9a-z]{32}-[-+.?=\w]{0,200}-conf\.json$/;
const suffix = '-conf.json';

/**
 * The conf.json that the wrapper script of a streamLayeredImage passes to its streamer. Words of the
 * script are looked at from their ends, so that no script makes this take long.
 */
export function findLayeredConf(script: string): string | undefined {
  for (let at = script.indexOf(suffix); at >= 0; at = script.indexOf(suffix, at + 1)) {
    const end = at + suffix.length;
    if (/\w/.test(script.charAt(end))) continue;
    const word = script.slice(wordStart(script, end), end);
    const path = word.slice(Math.max(0, word.indexOf('/')));
    if (path.startsWith('/') && confName.test(path.slice(path.lastIndexOf('/') + 1))) return path;
  }
  return undefined;
}

const space = 0x20;

function wordStart(script: string, end: number): number {
  const first = Math.max(0, end - limits.archiveName);
  let start = end;
  while (start > first && script.charCodeAt(start - 1) > space) start -= 1;
  return start;
}

/** A time as Python's `datetime` reads it, and as its `isoformat` writes it. */
export interface Moment {
  /** Since the epoch. */
  seconds: number;
  text: string;
}

const isoTime =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?$/;

/**
 * Reads a time of a conf.json; "now" is asked for.
 *
 * @param now seconds since the epoch
 */
export async function readMoment(
  text: string,
  now: () => Promise<number>,
  name: string,
): Promise<Moment> {
  if (text === 'now') {
    const seconds = await now();
    return { seconds, text: new Date(seconds * 1000).toISOString().replace('.000Z', '+00:00') };
  }
  const [, day, clock, fraction = '', zone = 'Z'] = isoTime.exec(text) ?? [];
  const milliseconds = Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(milliseconds)) throw malformed(name, 'its created or mtime is no time');
  const full = clock?.length === 5 ? `${clock}:00` : clock;
  const micros = /[1-9]/.test(fraction) ? `.${fraction.padEnd(6, '0')}` : '';
  const offset = zone === 'Z' ? '+00:00' : zone.replace(/^(...)(\d\d)$/, '$1:$2');
  return { seconds: Math.floor(milliseconds / 1000), text: `${day}T${full}${micros}${offset}` };
}
