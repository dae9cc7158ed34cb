import { Command, CommanderError, Option } from 'commander';
import { debugVariable } from '../host/failure.ts';
import { adviceFor } from '../inputs/advice.ts';
import { takesMany } from '../inputs/definition.ts';
import { camelCase } from '../inputs/parse.ts';
import {
  inputs,
  type NamedInput,
  offeredWith,
  type RawInputs,
  variableOf,
} from '../inputs/table.ts';
import { type VerbName, verbNames, verbs } from '../inputs/verbs.ts';
import { program } from '../record/program.ts';

/** What the command line asks for: a verb with its inputs, or nothing but an exit code. */
export type Request = { verb: VerbName; raw: RawInputs } | { exitCode: number };

/** Where help and usage errors are written. */
export interface Terminal {
  writeOut(text: string): void;
  writeError(text: string): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the arguments (without node and program); wrong usage is exit code 2. */
export function parseArguments(
  args: readonly string[],
  env: Environment,
  terminal: Terminal,
): Request {
  let request: Request = { exitCode: 2 };
  const root = configured(new Command(program.name), terminal)
    .description('Builds layered images with Nix and streams what changed into a registry.')
    .version(program.version);
  for (const name of verbNames) {
    root.addCommand(
      subcommand(name, terminal, raw => {
        request = { verb: name, raw: { ...fromEnvironment(env), ...raw } };
      }),
    );
  }
  try {
    root.parse(args.map(plainFlag), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return request;
}

/** `--push=false` says the same as `--no-push`: a workflow's inputs are written with values. */
function plainFlag(argument: string): string {
  const [, name, value] = /^--([a-z-]+)=(true|false)$/.exec(argument) ?? [];
  const isBoolean = inputs.some(input => input.name === name && input.reader.type === 'boolean');
  if (!isBoolean) return argument;
  return value === 'true' ? `--${name}` : `--no-${name}`;
}

function configured(command: Command, terminal: Terminal): Command {
  return command
    .exitOverride()
    .showHelpAfterError('(--help shows all of it)')
    .configureOutput({
      writeOut: text => terminal.writeOut(text),
      writeErr: text => terminal.writeError(text),
    });
}

function subcommand(name: VerbName, terminal: Terminal, take: (raw: RawInputs) => void): Command {
  const { summary } = verbs[name];
  const positional: readonly string[] = verbs[name].positional;
  const definitions = offeredWith(name).filter(input => input.only !== 'action');
  const isPositional = (input: NamedInput) => positional.some(each => each === input.name);
  const flags = definitions.filter(input => !input.secret && !isPositional(input));
  const command = configured(new Command(name), terminal)
    .description(summary)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(withAdvice(text, name)) });
  for (const input of definitions.filter(isPositional)) {
    command.argument(`[${input.name}]`, input.description);
  }
  for (const input of flags) for (const option of optionsOf(input)) command.addOption(option);
  command.addHelpText('after', environmentHelp(definitions));
  return command.action(() => {
    const given = flags.map(input => [input.name, textOf(command, input)] as const);
    const all = [...positional.map((each, at) => [each, command.args[at]] as const), ...given];
    take(Object.fromEntries(all.filter(([, value]) => value !== undefined)));
  });
}

/** Commander's sentence, and for a flag that is none of the verb's what to use instead. */
function withAdvice(text: string, verb: VerbName): string {
  const [, flag] = /unknown option '(.+)'/s.exec(text) ?? [];
  return flag === undefined ? text : `${text}${adviceFor(flag, verb, 'command-line')}\n`;
}

/** A flag of the input's name; a boolean has `--no-name` too, and help shows what has an effect. */
function optionsOf(input: NamedInput): Option[] {
  const shown = input.default === undefined ? '' : ` (default: ${input.default})`;
  const description = `${input.description}${shown}`;
  if (input.reader.type !== 'boolean') {
    const option = new Option(`--${input.name} <${placeholder(input)}>`, description);
    return [takesMany(input.reader) ? option.argParser(collect) : option];
  }
  const yes = new Option(`--${input.name}`, description);
  const opposite = input.default === 'true' ? description : `The opposite of --${input.name}.`;
  const no = new Option(`--no-${input.name}`, opposite);
  return [yes.hideHelp(input.default === 'true'), no.hideHelp(input.default === 'false')];
}

function placeholder({ reader }: NamedInput): string {
  switch (reader.type) {
    case 'choice':
      return (reader.choices ?? []).join('|');
    case 'lines':
      return 'line';
    case 'pairs':
      return 'key=value';
    default:
      return reader.type;
  }
}

/** A flag that is given again adds a line. */
function collect(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before}\n${value}`;
}

/** The flag's value as the text that an input of the action would hold. */
function textOf(command: Command, input: NamedInput): string | undefined {
  const value: unknown = command.opts()[camelCase(input.name)];
  return value === undefined ? undefined : String(value);
}

const isTakenFromEnvironment = ({ secret, variable }: NamedInput): boolean =>
  secret === true || variable === true;

function fromEnvironment(env: Environment): RawInputs {
  const taken = inputs.filter(isTakenFromEnvironment);
  const given = taken.map(({ name }) => [name, env[variableOf(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function environmentHelp(definitions: readonly NamedInput[]): string {
  const lines = definitions
    .filter(isTakenFromEnvironment)
    .map(input => `  ${variableOf(input.name).padEnd(18)}  ${input.description}`);
  const debug = `  ${debugVariable.padEnd(18)}  1: an error says where in the program it comes from.`;
  return ['', 'Environment (secrets are no flags):', ...lines, debug].join('\n');
}
