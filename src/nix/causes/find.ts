import { stripVTControlCharacters } from 'node:util';
import { shownAddress } from '../../host/http/address.ts';
import { limits } from '../../host/limits.ts';
import type { Asked, Cause, DerivationKind, Names, Sign, Stream } from './cause.ts';
import { causes } from './table.ts';

/** What programs have said, by where it stands: whole messages, or one log as one text; oldest first. */
export type Said = Partial<Record<Stream, readonly string[]>>;

/** Why something failed, as far as it is known. */
export interface Explanation {
  cause: string;
  remedy: string;
  /** A guess is told as one. */
  sure: boolean;
  /** Nix's own text says nothing more. */
  hidesText: boolean;
}

/** What is known of that which failed, besides what was said. */
export interface FailedAt {
  kind?: DerivationKind | undefined;
  asked?: Asked;
}

/** The same as `Said`, as lines. */
type SaidLines = Partial<Record<Stream, readonly (readonly string[])[] | undefined>>;

/** The cause that the table has for what was said: one that is sure before a guess, then the first. */
export function findCause(said: Said, at: FailedAt = {}): Explanation | undefined {
  const lines = {
    build: said.build?.slice(-limits.causeMessages).map(linesOf),
    evaluation: said.evaluation?.slice(-limits.causeMessages).map(linesOf),
    log: said.log?.slice(-limits.causeMessages).map(linesOf),
  };
  return firstOf(lines, at, true) ?? firstOf(lines, at, false);
}

/** What was said last counts, and of a long line its beginning; builders write in colours. */
const linesOf = (text: string): string[] =>
  stripVTControlCharacters(text)
    .split('\n')
    .slice(-limits.causeLines)
    .map(line => line.slice(0, limits.logLine));

function firstOf(said: SaidLines, at: FailedAt, sure: boolean): Explanation | undefined {
  for (const cause of causes) {
    for (const sign of cause.signs) {
      if ((sign.sure === true) !== sure) continue;
      const names = namesOf(cause, sign, said, at);
      if (names) return explained(cause, names, sure);
    }
  }
  return undefined;
}

function namesOf(cause: Cause, sign: Sign, said: SaidLines, at: FailedAt): Names | undefined {
  if (sign.of !== undefined && sign.of !== at.kind) return undefined;
  const asked = at.asked ?? { flake: '.', cwd: '.', overrideInputs: [] };
  for (const lines of sign.in.flatMap(stream => said[stream] ?? [])) {
    const found = matched(sign.lines, lines);
    const names = found && cause.names ? cause.names(found, asked) : found;
    if (names) return names;
  }
  return undefined;
}

/** The groups of all patterns, where each is in a line. */
function matched(patterns: readonly RegExp[], lines: readonly string[]): Names | undefined {
  const found = patterns.map(pattern => firstMatch(pattern, lines));
  if (found.includes(undefined)) return undefined;
  return Object.assign({}, ...found);
}

function firstMatch(pattern: RegExp, lines: readonly string[]): Names | undefined {
  for (const line of lines) {
    const match = pattern.exec(line);
    if (match) return match.groups ?? {};
  }
  return undefined;
}

const explained = (cause: Cause, names: Names, sure: boolean): Explanation => ({
  cause: filled(cause.cause, names),
  remedy: filled(cause.remedy, names),
  sure,
  hidesText: cause.hidesText === true,
});

const name = /<(\w+)>/g;

/** The text with what was found; what needs a name that was not found is left out. */
function filled(template: string, names: Names): string {
  return template
    .replaceAll(/\[\[(.*?)\]\]/g, (_, part: string) =>
      [...part.matchAll(name)].every(([, each = '']) => names[each] !== undefined) ? part : '',
    )
    .replaceAll(name, (_, each: string) => shown(each, names[each] ?? ''));
}

function shown(each: string, value: string): string {
  const text = each === 'url' ? shownAddress(value) : value;
  return text.length <= limits.quoted ? text : `${text.slice(0, limits.quoted)}…`;
}
