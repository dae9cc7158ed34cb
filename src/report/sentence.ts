import { type RunSums, sumUp } from '../record/sums.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { isShipped } from './layers.ts';
import { formatBytes, formatRoughly, formatSeconds, plural, storeName } from './units.ts';

/** What was built and what came of it, in a few words: ".#comfyui failed after 3 min 05 s: layer3-pytorch". */
export function runTitle(record: BuildRecord): string {
  const { flake, seconds, outcome } = record;
  const time = formatSeconds(seconds);
  if (outcome === 'success') return `${flake} in ${time}`;
  if (outcome === 'cancelled') return `${flake} was cancelled after ${time}`;
  const { failed } = sumUp(record);
  return `${flake} failed after ${time}${failed.length === 0 ? '' : `: ${listed(failed)}`}`;
}

/**
 * What happened, in one sentence: "6 of 8 layers reused, layer6-app built in 41 s, 12 MB of 9.8 GB sent,
 * 3 tags moved; 9 min less than making all of it."
 */
export function runSentence(record: BuildRecord): string {
  const layers = record.layers.filter(isShipped);
  const sums = sumUp(record);
  const parts = [
    ...reusedPart(sums),
    ...donePart(layers, 'built', 'built'),
    ...donePart(layers, 'substituted', 'fetched'),
    ...localPart(layers),
    ...unfinishedPart(layers, 'failed', 'failed'),
    ...unfinishedPart(layers, 'cancelled', 'not finished'),
    ...(record.wouldPush === undefined ? sentPart(sums, record) : []),
  ];
  const said = parts.length === 0 ? 'nothing was done' : parts.join(', ');
  const isName = layers.some(({ name }) => said.startsWith(name));
  return `${isName ? said : capital(said)}${record.outcome === 'success' ? savedPart(sums) : ''}.`;
}

/** "All 8 layers reused"; nothing where none is: what was done with them says so. */
function reusedPart({ layers, reused }: RunSums): string[] {
  if (reused === 0) return [];
  if (reused < layers) return [`${reused} of ${plural(layers, 'layer')} reused`];
  return [reused === 1 ? 'the layer reused' : `all ${reused} layers reused`];
}

/** Layers that are named; of more the longest. */
const mostNamed = 2;

function donePart(
  layers: readonly LayerRecord[],
  origin: LayerRecord['origin'],
  verb: string,
): string[] {
  const done = layers.filter(layer => layer.origin === origin);
  if (done.length <= mostNamed) {
    return done.map(({ name, seconds }) => `${name} ${verb} in ${formatSeconds(seconds)}`);
  }
  const longest = done.reduce((one, other) => (other.seconds > one.seconds ? other : one));
  return [
    `${done.length} layers ${verb}, the longest ${longest.name} in ${formatSeconds(longest.seconds)}`,
  ];
}

/** What was in the store already was packed and sent all the same. */
function localPart(layers: readonly LayerRecord[]): string[] {
  const local = layers.filter(({ origin }) => origin === 'local');
  if (local.length === 0) return [];
  const names = local.length <= mostNamed ? listed(local.map(({ name }) => name)) : undefined;
  return [`${names ?? `${local.length} layers`} found in the store`];
}

function unfinishedPart(
  layers: readonly LayerRecord[],
  origin: LayerRecord['origin'],
  state: string,
): string[] {
  const unfinished = layers.filter(layer => layer.origin === origin);
  if (unfinished.length === 0) return [];
  const names = unfinished.map(({ name }) => name);
  const broken = unfinished
    .flatMap(({ builtDerivations }) => builtDerivations)
    .filter(
      ({ ended, derivation }) => ended === 'failed' && !names.includes(storeName(derivation)),
    );
  const what = names.length <= mostNamed ? listed(names) : `${names.length} layers`;
  const [first] = broken;
  const at = origin === 'failed' && first ? ` at ${storeName(first.derivation)}` : '';
  return [`${what} ${state}${at}`];
}

function sentPart({ sentBytes, imageBytes, movedTags }: RunSums, { image }: BuildRecord): string[] {
  const of = imageBytes === undefined ? '' : ` of ${formatBytes(imageBytes)}`;
  const sent = sentBytes === 0 ? 'nothing sent' : `${formatBytes(sentBytes)}${of} sent`;
  if (image === undefined) return sentBytes === 0 ? [] : [sent];
  if (movedTags > 0) return [sent, `${plural(movedTags, 'tag')} moved`];
  return [sent, imageBytes === undefined ? 'no tag moved' : 'tags as before'];
}

/** Less than this is no news. */
const leastSaved = 5;

/** What the reused layers took when they were last made; nothing where one is not known. */
function savedPart({ savedSeconds = 0 }: RunSums): string {
  if (savedSeconds < leastSaved) return '';
  return `; ${formatRoughly(savedSeconds)} less than making all of it`;
}

/** What a run that does not push would have done; undefined where it pushes. */
export function wouldPushSentence({ wouldPush }: BuildRecord): string | undefined {
  if (wouldPush === undefined) return undefined;
  const { layers, narSize, tags } = wouldPush;
  const size = narSize === undefined ? '' : ` (${formatBytes(narSize)} unpacked)`;
  const names = layers.length <= mostNamed ? `: ${listed(layers.map(({ name }) => name))}` : '';
  const what =
    layers.length === 0 ? 'no layer' : `${plural(layers.length, 'layer')}${size}${names}`;
  const moved =
    tags.length === 0 ? '' : `, and move the ${tags.length === 1 ? 'tag' : 'tags'} ${listed(tags)}`;
  return `A push would send ${what}${moved}.`;
}

/** "a", "a and b", "a, b and c". */
function listed(names: readonly string[]): string {
  return names.length < 2
    ? (names[0] ?? '')
    : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
