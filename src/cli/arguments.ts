import { Argument, Command, CommanderError, Option } from 'commander';
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
import {
  argumentsOf,
  type Flag,
  flagInputs,
  flagsOf,
  type TellingFlag,
  tellingFlagsOf,
  tellingGroup,
} from './flags.ts';
import { afterFlags, wrapHelp } from './help.ts';
import { inFlags } from './words.ts';

/** A shell for which there are completions. */
export type Shell = (typeof shells)[number];

export const shells = ['bash', 'zsh', 'fish'] as const;

/** What a run is to tell. */
export type Telling = Readonly<Partial<Record<TellingFlag, boolean>>>;

/** What the command line asks for: a verb with its inputs, completions, or nothing but an exit code. */
export type Request =
  | { verb: VerbName; raw: RawInputs; telling: Telling }
  | { completion: Shell }
  | { exitCode: number };

/** Where help and usage errors are written. */
export interface Terminal {
  writeOut(text: string): void;
  writeError(text: string): void;
  /** How wide standard output is; undefined: it is no terminal. */
  columns: number | undefined;
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
    .version(program.version, '-V, --version', 'Print the version.')
    .helpCommand('help [command]', 'Print the help of a command.');
  for (const name of verbNames) {
    root.addCommand(
      subcommand(name, terminal, (raw, telling) => {
        request = { verb: name, raw: { ...fromEnvironment(env), ...raw }, telling };
      }),
    );
  }
  root.addCommand(
    completionCommand(terminal, completion => {
      request = { completion };
    }),
  );
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
  const help = new Option('-h, --help', 'Print this help.');
  return wrapHelp(command, terminal.columns)
    .exitOverride()
    .addHelpOption(command.name() in verbs ? help.helpGroup(`${tellingGroup}:`) : help)
    .showHelpAfterError('(--help shows all of it)')
    .configureOutput({
      writeOut: text => terminal.writeOut(text),
      writeErr: text => terminal.writeError(text),
    });
}

function subcommand(
  name: VerbName,
  terminal: Terminal,
  take: (raw: RawInputs, telling: Telling) => void,
): Command {
  const positional = argumentsOf(name);
  const flags = flagInputs(name);
  const command = configured(new Command(name), terminal)
    .description(verbs[name].summary)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(withAdvice(text, name)) });
  for (const input of positional) {
    const dots = takesMany(input.reader) ? '...' : '';
    command.argument(`[${input.name}${dots}]`, inFlags(input.description));
  }
  for (const flag of flagsOf(name)) command.addOption(optionOf(flag));
  const given = offeredWith(name).filter(isTakenFromEnvironment);
  command.addHelpText('after', () => afterFlags(name, given, terminal.columns));
  return command.action(() => {
    const all = [
      ...positional.map((input, at) => [input.name, argumentAt(command, at, input)] as const),
      ...flags.map(input => [input.name, textOf(command, input)] as const),
    ];
    const options: Record<string, unknown> = command.opts();
    const telling = tellingFlagsOf(name).filter(flag => options[flag] === true);
    take(
      Object.fromEntries(all.filter(([, value]) => value !== undefined)),
      Object.fromEntries(telling.map(flag => [flag, true])),
    );
  });
}

/** What is given by position: of an input that takes many all that is left, by lines. */
function argumentAt({ args }: Command, at: number, { reader }: NamedInput): string | undefined {
  if (!takesMany(reader)) return args[at];
  return args.length > at ? args.slice(at).join('\n') : undefined;
}

function completionCommand(terminal: Terminal, take: (shell: Shell) => void): Command {
  const shell = new Argument('<shell>', 'The shell that is to complete what is typed.');
  return configured(new Command('completion'), terminal)
    .description('Print the completions of a shell: source <(comfy-nix completion bash)')
    .addArgument(shell.choices(shells))
    .action((asked: Shell) => take(asked));
}

/** Commander's sentence, and for a flag that is none of the verb's what to use instead. */
function withAdvice(text: string, verb: VerbName): string {
  const [, flag] = /unknown option '(.+)'/s.exec(text) ?? [];
  return flag === undefined ? text : `${text}${adviceFor(flag, verb, 'command-line')}\n`;
}

function optionOf({ name, value, description, group, isMany, isHidden }: Flag): Option {
  const option = new Option(`--${name}${value === undefined ? '' : ` <${value}>`}`, description)
    .helpGroup(`${group}:`)
    .hideHelp(isHidden)
    .conflicts(name === 'quiet' ? 'verbose' : []);
  return isMany ? option.argParser(collect) : option;
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
