import { nearest } from '../host/nearest.ts';
import { elsewhere } from './elsewhere.ts';
import { inputs, type NamedInput, offeredWith, type RawInputs } from './table.ts';
import type { VerbName } from './verbs.ts';
import { type Face, inWordsOf } from './wording.ts';

/**
 * What is to be said of inputs that were given to a verb and have no effect, a sentence or two each.
 *
 * @param undeclared names that the table does not have, as the runner gives them
 */
export function unheededInputs(
  verb: VerbName,
  raw: RawInputs,
  undeclared: readonly string[],
): string[] {
  const offered = offeredWith(verb);
  const unread = inputs.filter(input => isGiven(input, raw) && !offered.includes(input));
  return [...unread.map(({ name }) => name), ...undeclared].map(
    name => `The input ${name} has no effect. ${adviceFor(name, verb, 'action')}`,
  );
}

/** The runner fills in defaults, so that a value that is one was hardly given. */
function isGiven({ name, default: preset = '', workflowDefault }: NamedInput, raw: RawInputs) {
  const value = raw[name]?.trim() ?? '';
  return value !== '' && value !== preset && workflowDefault === undefined;
}

/** What to use instead of a name that a verb does not take, as a sentence. */
export function adviceFor(given: string, verb: VerbName, face: Face): string {
  const name = plainName(given);
  const offered = offeredWith(verb);
  const own = inputs.find(input => input.name === name || `no-${input.name}` === name);
  const sentence =
    own === undefined
      ? (elsewhere.get(name) ?? nearestOf(name, offered))
      : offered.includes(own)
        ? `Here it is \`${own.name}\`.`
        : whoReads(own, verb);
  return inWordsOf(face, sentence);
}

/** A name as inputs have it, of `--no-cache`, `working_directory`, or `skipPush` of another action. */
function plainName(given: string): string {
  return given.replace(/^-+/, '').replace(/=.*$/s, '').replaceAll('_', '-').toLowerCase();
}

function whoReads({ verbs: readers }: NamedInput, verb: VerbName): string {
  const names = new Intl.ListFormat('en').format(readers);
  return `The verb ${verb} does not read it; ${names} ${readers.length === 1 ? 'does' : 'do'}.`;
}

function nearestOf(name: string, offered: readonly NamedInput[]): string {
  const names = offered.map(input => input.name);
  return `There is none of this name; the nearest is \`${nearest(name, names)}\`.`;
}
