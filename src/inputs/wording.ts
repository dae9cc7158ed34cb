import { inputs, variableOf } from './table.ts';
import { verbs } from './verbs.ts';

/** A face, and so how an input is written in it. */
export type Face = 'action' | 'command-line';

/**
 * A message in the words of a face. Messages name an input as a workflow gives it: in backquotes, alone
 * or with a value (`reuse: false`), as "the input reuse", or at the beginning as "Input reuse: …". On the
 * command line it is a flag (`--no-reuse`), an argument or a variable. Other text stays as it is.
 */
export function inWordsOf(face: Face, message: string): string {
  if (face === 'action') return message;
  return message
    .replace(begun, (text, name: string) => `${flagFor(name)?.word ?? text.slice(0, -1)}:`)
    .replaceAll(named, (text, name: string) => flagOf(name) ?? text)
    .replaceAll(quoted, (text, name: string, value?: string) => flagOf(name, value) ?? text);
}

const begun = /^Input ([a-z][a-z0-9-]*):/;
const named = /\bthe input ([a-z][a-z0-9-]*)/g;
const quoted = /`([a-z][a-z0-9-]*)(?:: ([^`]+))?`/g;

/** How an input is written on the command line, in a sentence; undefined where there is none of the name. */
function flagOf(name: string, value?: string): string | undefined {
  const flag = flagFor(name, value);
  if (flag === undefined) return undefined;
  return `${flag.kind}${flag.isCode ? `\`${flag.word}\`` : flag.word}`;
}

/** What stands for an input on the command line, and what it is called where it is no flag. */
function flagFor(name: string, value?: string) {
  const input = inputs.find(each => each.name === name);
  if (input === undefined) return undefined;
  const isArgument = Object.values(verbs).some(verb => verb.positional.some(each => each === name));
  if (input.only === 'action') return { kind: 'the ', word: 'subcommand', isCode: false };
  if (input.secret) return { kind: 'the variable ', word: variableOf(name), isCode: true };
  if (isArgument) return { kind: 'the argument ', word: name, isCode: true };
  const isSwitch = input.reader.type === 'boolean';
  const word = isSwitch
    ? `--${value === 'false' ? 'no-' : ''}${name}`
    : `--${name}${value === undefined ? '' : ` ${value}`}`;
  return { kind: '', word, isCode: true };
}
