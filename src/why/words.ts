import { splitName } from '../record/packages.ts';
import type { FlakeInput, WhyRecord } from '../record/types.ts';
import type { Cause, Causes } from './causes.ts';

/** What is known of an image beside its derivations. */
export interface Told {
  /** What the flake's lock file named when the image before was made, and names now; undefined: not known. */
  inputsBefore: readonly FlakeInput[] | undefined;
  inputs: readonly FlakeInput[] | undefined;
  /** Names of derivations that the flake writes itself; undefined: not known. */
  own: ReadonlySet<string> | undefined;
  /** Layers that are not made anew, whatever changed. */
  reused: ReadonlySet<string>;
}

/** Causes that are told one by one, and names that are told of one. */
const most = { causes: 12, names: 3 };

/**
 * Causes in words. What is not the flake's own came with an input that moved, and is told as that: with the
 * first of what changed.
 */
export function whyInWords({ causes, more, derivations }: Causes, told: Told): WhyRecord {
  const moved = movedInputs(told.inputsBefore ?? [], told.inputs ?? []);
  const all = causes.flatMap(cause => {
    const layers = cause.layers.filter(name => !told.reused.has(name));
    return layers.length === 0 ? [] : [{ ...cause, layers }];
  });
  const [ofInputs, others] = [true, false].map(wanted =>
    all.filter(cause => (moved.length > 0 && cameWithInput(cause, told)) === wanted),
  );
  const words = [
    ...(ofInputs && ofInputs.length > 0 ? [inputCause(moved, ofInputs, derivations)] : []),
    ...(others ?? []).map(cause => ({
      text: causeText(cause),
      layers: [...cause.layers],
      rebuilds: cause.rebuilds,
    })),
  ].sort((one, other) => other.rebuilds - one.rebuilds);
  const listed = words.slice(0, most.causes);
  return { causes: listed, more: more + words.length - listed.length, rebuilds: derivations };
}

/** What a derivation is built from and itself says is the flake's own where the flake writes it. */
function cameWithInput({ name, sources, content, layers }: Cause, { own }: Told): boolean {
  if (own) return !own.has(name) && !content && !layers.includes(name);
  return sources.length === 0 && !layers.includes(name);
}

function inputCause(moved: readonly string[], causes: readonly Cause[], derivations: number) {
  const sum = causes.reduce((all, { rebuilds }) => all + rebuilds, 0);
  return {
    text: `${moved.join(', ')}: ${someOf(causes.map(causeText))}`,
    layers: [...new Set(causes.flatMap(({ layers }) => layers))],
    rebuilds: Math.min(sum, derivations),
  };
}

/** "nixpkgs a1b2c3d → d4e5f6a (2026-10-01 → 2026-11-20)", for each input that is another. */
function movedInputs(before: readonly FlakeInput[], now: readonly FlakeInput[]): string[] {
  const then = new Map(before.map(input => [input.name, input]));
  return now.flatMap(input => {
    const was = then.get(input.name);
    if (was === undefined || isSame(was, input)) return [];
    return [`${input.name} ${change(nameOf(was), nameOf(input))}${dates(was, input)}`];
  });
}

const isSame = (one: FlakeInput, other: FlakeInput) =>
  one.url === other.url &&
  one.revision === other.revision &&
  one.lastModified === other.lastModified;

const nameOf = ({ revision, url }: FlakeInput): string => revision?.slice(0, 7) ?? url;

const change = (from: string, to: string) => (from === to ? 'changed' : `${from} → ${to}`);

function dates(was: FlakeInput, is: FlakeInput): string {
  const [from, to] = [was.lastModified?.slice(0, 10), is.lastModified?.slice(0, 10)];
  return from === undefined || to === undefined || from === to ? '' : ` (${from} → ${to})`;
}

/** What of a derivation changed, in a few words: "torch 2.10.0 → 2.11.0", "`requirements.txt` changed". */
export function causeText(cause: Cause): string {
  const { name, version, fields, sources, added, removed, content } = cause;
  if (version) return `${splitName(name).name} ${version.from || '–'} → ${version.to || '–'}`;
  if (content) return `${name} has another content`;
  const parts = [
    ...(sources.length > 0
      ? [`${someOf(sources.map(source => sourceName(source, name)))} changed`]
      : []),
    ...(fields.length > 0 ? [`${someOf(fields.map(quoted))} of ${name} changed`] : []),
    ...(added.length > 0 ? [`${name} takes ${someOf(added)}`] : []),
    ...(removed.length > 0 ? [`${name} does not take ${someOf(removed)} any more`] : []),
  ];
  return parts.length === 0 ? `${name} changed` : parts.join(', ');
}

/** A whole tree is called "source" by all that take one. */
const sourceName = (source: string, name: string) =>
  source === 'source' ? `the source of ${name}` : quoted(source);

const quoted = (text: string) => `\`${text}\``;

function someOf(names: readonly string[]): string {
  const more = names.length - most.names;
  return more > 0 ? `${names.slice(0, most.names).join(', ')} and ${more} more` : names.join(', ');
}
