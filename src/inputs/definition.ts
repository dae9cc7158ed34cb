import { readBoolean, readChoice, readLines, readList, readPairs } from './values.ts';
import type { VerbName } from './verbs.ts';

/** One input of the action, which is one flag of the command line. */
export interface InputDefinition {
  /** How it is given, and what its text means. */
  reader: Reader<unknown>;
  description: string;
  /** What `--no-NAME` does: of a boolean that is not false by default. */
  without?: string;
  /** As text; absent: there is none, and the program decides. */
  default?: string;
  /** The default in action.yml alone: an expression that only GitHub can fill in. */
  workflowDefault?: string;
  /** Masked in logs, and never a flag: the command line takes it from `variableOf(name)` alone. */
  secret?: true;
  /** The command line takes it from `variableOf(name)` where the flag is not given. */
  variable?: true;
  /** Where it is given: by default both in a workflow and on the command line. */
  only?: 'action';
  /** Who reads it: verbs, or the face before any of them. */
  verbs: readonly VerbName[] | 'face';
}

/** Reads the text of the input `name`. @throws Failure with exit code 2 that names the input */
type Read<Value> = (name: string, text: string) => Value;

/** An input with one value, or none: an empty text is no value and is not read. */
export interface SingleReader<Value> {
  type: 'text' | 'boolean' | 'choice' | 'path';
  choices?: readonly string[];
  read: Read<Value>;
}

/** An input with any number of values: an empty text is none of them. `#` begins a comment line. */
export interface ManyReader<Value> {
  type: 'list' | 'lines' | 'pairs';
  read: Read<Value>;
}

export type Reader<Value> = SingleReader<Value> | ManyReader<Value>;

/** Whether an empty text is read as well, and a flag that is given again adds a line. */
export function takesMany(reader: Reader<unknown>): reader is ManyReader<unknown> {
  return reader.type === 'list' || reader.type === 'lines' || reader.type === 'pairs';
}

/** A text that is taken as it is. */
export const text = textAs((_, raw) => raw);

/** A text that means something. */
export function textAs<Value>(read: Read<Value>): SingleReader<Value> {
  return { type: 'text', read };
}

/** A file or folder, as it is given. */
export const path: SingleReader<string> = { type: 'path', read: (_, raw) => raw };

/** `true` or `false`; on the command line `--name` and `--no-name`. */
export const yesOrNo: SingleReader<boolean> = { type: 'boolean', read: readBoolean };

/** One of the choices. */
export function choice<const Choice extends string>(
  choices: readonly Choice[],
): SingleReader<Choice> {
  return { type: 'choice', choices, read: (name, raw) => readChoice(name, raw, choices) };
}

/** What the program decides by itself unless it is told. */
export const automatic = choice(['auto', 'true', 'false']);

/** Entries by lines or commas, each once. */
export const list = listAs((_, entries) => entries);

/** Entries by lines or commas that mean something. */
export function listAs<Value>(read: (name: string, entries: string[]) => Value): ManyReader<Value> {
  return { type: 'list', read: (name, raw) => read(name, readList(raw)) };
}

/** Entries by lines only, since a value may hold commas. */
export const lines = linesAs((_, entries) => entries);

/** Lines that mean something. */
export function linesAs<Value>(
  read: (name: string, entries: string[]) => Value,
): ManyReader<Value> {
  return { type: 'lines', read: (name, raw) => read(name, readLines(raw)) };
}

/** `key=value` by lines, each key once. */
export const pairs = pairsAs(entries => Object.fromEntries(entries));

/** Pairs that mean something, in order. */
export function pairsAs<Value>(
  read: (entries: [key: string, value: string][]) => Value,
): ManyReader<Value> {
  return { type: 'pairs', read: (name, raw) => read(readPairs(name, raw)) };
}
