import type { Change } from '../wheels/changes.ts';
import { allPins, type Lock, type SourcePin, type WheelPin } from '../wheels/lock.ts';
import { pythonTag } from '../wheels/variant.ts';
import { fileNameOf } from '../wheels/wheel-name.ts';
import { code, escapeText } from './markdown.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** What a run of `prefetch` has cost. */
export interface Spent {
  requests: number;
  /** Bytes of answers. */
  bytes: number;
  seconds: number;
}

/** A line for each change; the same one in several variants is told once. */
export function describeChanges(changes: readonly Change[]): string[] {
  return grouped(changes).map(({ name, what, where }) =>
    where === '' ? `${name}: ${what}` : `${name}: ${what} (${where})`,
  );
}

/** The changes as a Markdown list, for the text of a pull request; empty where there is none. */
export function markdownChanges(changes: readonly Change[]): string {
  return grouped(changes)
    .map(({ name, what, where }) => {
      const place = where === '' ? '' : ` (${escapeText(where)})`;
      return `- ${code(name)}: ${escapeText(what)}${place}`;
    })
    .join('\n');
}

/** One sentence on the lock and on what it took. */
export function describeLock(lock: Lock, changes: readonly Change[], spent: Spent): string {
  const wheels = allPins(lock).length;
  const sources = Object.keys(lock.sources).length;
  const unsure = allPins(lock).filter(({ pin }) => pin.digest === 'unconfirmed').length;
  const parts = [
    counted(wheels, 'wheel'),
    ...(sources === 0 ? [] : [counted(sources, 'source')]),
    ...(unsure === 0 ? [] : [`${unsure} of them not confirmed by anybody (see \`verify\`)`]),
    changes.length === 0 ? 'nothing changed' : `${changes.length} changed`,
  ];
  const { requests, bytes, seconds } = spent;
  const cost = `${requests} requests, ${formatBytes(bytes)}, ${formatSeconds(seconds)}`;
  return `The lock has ${parts.join(', ')} (${cost}).`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function grouped(changes: readonly Change[]) {
  const place = placeAmong(changes);
  const lines = changes.map(change => ({ change, name: change.name, what: describe(change) }));
  return [...Map.groupBy(lines, ({ name, what }) => `${name}\0${what}`).values()].map(same => ({
    name: same[0]?.name ?? '',
    what: same[0]?.what ?? '',
    where: same.flatMap(({ change }) => place(change) ?? []).join(', '),
  }));
}

/** Names the variant of a change; its system, where there are several. */
function placeAmong(changes: readonly Change[]): (change: Change) => string | undefined {
  const systems = new Set(
    changes.flatMap(change => (change.kind === 'wheel' ? change.variant.system : [])),
  );
  return change => {
    if (change.kind === 'source') return undefined;
    const { cuda, system } = change.variant;
    const place = `${cuda} ${pythonTag(change.variant)}`;
    return systems.size > 1 ? `${place} ${system}` : place;
  };
}

function describe(change: Change): string {
  return change.kind === 'wheel' ? describeWheel(change) : describeSource(change);
}

function describeWheel({ before, after }: Extract<Change, { kind: 'wheel' }>): string {
  if (after === undefined) return 'removed';
  if (before === undefined) return `added, ${withoutLocal(after.version)}${why(after)}`;
  if (before.version !== after.version) {
    const [a, b] = [withoutLocal(before.version), withoutLocal(after.version)];
    return a === b ? `${before.version} → ${after.version}` : `${a} → ${b}`;
  }
  if (before.digest === 'unconfirmed' && before.hash !== after.hash) {
    return 'the hash, which nobody had confirmed, was wrong';
  }
  if (before.source !== after.source) return `from ${after.source} now`;
  if (before.hash !== after.hash) return `another file, ${fileNameOf(after.url)}`;
  if (before.url !== after.url) return 'the same file at another address';
  if (before.digest !== after.digest) return `digest ${before.digest} → ${after.digest}`;
  if (before.unpacked !== after.unpacked) return 'the hash of its tree is known';
  if (before.layer !== after.layer) return `in the layer ${after.layer ?? 'of none'} now`;
  if (`${before.requiredBy}` !== `${after.requiredBy}`) return `now${why(after).replace(',', '')}`;
  return 'more is known of it';
}

function describeSource({ before, after }: Extract<Change, { kind: 'source' }>): string {
  if (after === undefined) return 'removed';
  if (before === undefined) return `added, ${nameOfSource(after)}`;
  const [a, b] = [before, after].map(each => ('rev' in each ? each.ref : nameOfSource(each)));
  if (a !== b) return `${a} → ${b}`;
  if ('rev' in before && 'rev' in after && before.rev !== after.rev) {
    return `${short(before.rev)} → ${short(after.rev)} (${after.ref})`;
  }
  if (before.url !== after.url) return `from ${after.url} now`;
  if (before.hash !== after.hash) return 'its hash was wrong';
  if (before.digest !== after.digest) return `hash ${before.digest} → ${after.digest}`;
  return 'what it needs is known';
}

const nameOfSource = (pin: SourcePin): string =>
  'rev' in pin ? `${pin.ref} (${short(pin.rev)})` : (pin.version ?? fileNameOf(pin.url));

/** Why a wheel is there, in a few names. */
function why({ requiredBy = [] }: WheelPin): string {
  if (requiredBy.length === 0) return '';
  const more = requiredBy.length - mostNamed;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `, required by ${requiredBy.slice(0, mostNamed).join(', ')}${rest}`;
}

/** Names in one line. */
const mostNamed = 3;

/** The variant tells the local part of a version already. */
const withoutLocal = (version: string): string => version.split('+')[0] ?? version;

const short = (rev: string): string => rev.slice(0, 12);
