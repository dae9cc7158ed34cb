import { type Command, Help } from 'commander';
import { debugVariable } from '../host/failure.ts';
import { type NamedInput, variableOf } from '../inputs/table.ts';
import type { VerbName } from '../inputs/verbs.ts';
import { examples } from './examples.ts';
import { inFlags } from './words.ts';

/** Lines are no longer than this, however wide the window is, and this wide where there is none. */
const widest = 100;
const usual = 80;

/** The column at which descriptions begin, where the window leaves them enough room. */
const column = 30;
const least = 40;

/** How wide help is in a window of so many columns. */
const widthIn = (columns: number | undefined): number => Math.min(columns ?? usual, widest);

/** Has a command's help wrapped to the window, with long names on lines of their own. */
export function wrapHelp(command: Command, columns: number | undefined): Command {
  const width = widthIn(columns);
  return command.configureHelp({
    helpWidth: width,
    minWidthToWrap: 1,
    formatItem: (term, _width, description) => item(term, description, width),
  });
}

/** A name and what it means, indented; below each other where there is no room, or the name is long. */
function item(term: string, description: string, width: number): string {
  const isNarrow = width - column < least;
  const indent = isNarrow ? 6 : column;
  const lines = wrapped(description, width - indent).split('\n');
  const below = lines.map(line => `${' '.repeat(indent)}${line}`.trimEnd());
  if (isNarrow || term.length > column - 4) return [`  ${term}`, ...below].join('\n');
  const [first = '', ...others] = below;
  return [`  ${term}${first.slice(2 + term.length)}`, ...others].join('\n');
}

const wrapper = Object.assign(new Help(), { minWidthToWrap: 1 });
const wrapped = (text: string, width: number): string => wrapper.boxWrap(text, width);

/** What follows the flags of a verb: what is taken from the environment, and examples. */
export function afterFlags(
  verb: VerbName,
  fromEnvironment: readonly NamedInput[],
  columns: number | undefined,
): string {
  const width = widthIn(columns);
  const variables = [
    ...fromEnvironment.map(input => [variableOf(input.name), inFlags(input.description)] as const),
    [debugVariable, '1: an error says where in the program it comes from.'] as const,
  ];
  return [
    '',
    'Environment (secrets are no flags):',
    ...variables.map(([name, meaning]) => item(name, meaning, width)),
    '',
    'Examples:',
    ...examples[verb].flatMap(([command, meaning]) => [
      `  ${command}`,
      ...wrapped(meaning, width - 6)
        .split('\n')
        .map(line => `      ${line}`),
    ]),
  ].join('\n');
}
