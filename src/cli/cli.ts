import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { VerbFailure } from '../commands/outcome.ts';
import type { Verb } from '../commands/verbs.ts';
import { debugVariable, explain, traceOf } from '../host/failure.ts';
import type { Clock, Host } from '../host/host.ts';
import { exitCodeOf } from '../host/interrupt.ts';
import { processRunner } from '../host/process.ts';
import { makeRunFolder, type RunFolder, removeLeft } from '../host/run-folder.ts';
import { warn } from '../host/say.ts';
import { temporaryParent } from '../host/temporary.ts';
import { type RunContext, readGitHubContext, unknownEventWarning } from '../inputs/context.ts';
import { secretsIn } from '../inputs/secrets.ts';
import { inputs, variableOf } from '../inputs/table.ts';
import type { VerbName } from '../inputs/verbs.ts';
import { program } from '../record/program.ts';
import { parseArguments, type Request, type Telling } from './arguments.ts';
import { tellingCommands } from './commands.ts';
import { completionFor } from './completion.ts';
import { plainView, quietView } from './plain.ts';
import type { Printer } from './printer.ts';
import { standardOutputOf } from './standard-output.ts';
import type { View } from './view.ts';
import { inFlags } from './words.ts';

/** What the command line works with. */
export interface CliWorld {
  /** Without node and program. */
  arguments: readonly string[];
  env: Record<string, string | undefined>;
  currentDirectory: string;
  clock: Clock;
  signal: AbortSignal;
  printer: Printer;
  /** Where an image goes that is written to standard output; undefined: that takes none. */
  image: Writable | undefined;
  /** Standard error where it is a terminal that can be drawn on. */
  terminal: NodeJS.WriteStream | undefined;
  /** How wide standard output is; undefined: it is no terminal. */
  columns: number | undefined;
  verbs: Readonly<Record<VerbName, Verb>>;
}

/**
 * Runs one command: 0 done, 1 failed, 2 wrong usage, 130 interrupted, and what a verb says. Standard output has the result and
 * nothing else: an image's reference, a report, the record, help, or the image itself. All that people
 * read meanwhile goes to standard error.
 */
export async function runCli(world: CliWorld): Promise<number> {
  const { printer, env, signal } = world;
  try {
    const code = await runRequest(world);
    const incomplete = await printer.finish();
    if (incomplete === undefined || code !== 0) return code;
    throw incomplete;
  } catch (error) {
    tellFailure(signal.aborted ? signal.reason : error, env, printer);
    await printer.finish();
    return exitCodeOf(error, signal);
  }
}

/** Tells of an error; where it comes from is shown with `COMFY_NIX_DEBUG=1` alone. */
export function tellFailure(
  error: unknown,
  env: Readonly<Record<string, string | undefined>>,
  printer: Printer,
): void {
  if (env[debugVariable] === '1') printer.tell(`${traceOf(error)}\n`);
  printer.tell(`${program.name}: ${explain(error, inFlags)}\n`, 'red');
}

async function runRequest(world: CliWorld): Promise<number> {
  const { printer, columns } = world;
  const terminal = { writeOut: printer.result, writeError: printer.tell, columns };
  const request = parseArguments(world.arguments, world.env, terminal);
  if ('exitCode' in request) return request.exitCode;
  if ('completion' in request) {
    printer.result(completionFor(request.completion));
    return 0;
  }
  for (const secret of secretsIn(request.raw)) printer.hide(secret);
  const taken = await standardOutputOf(request, world.currentDirectory);
  const github = await readGitHubContext(world.env, request.raw);
  const folder = await makeFolder(world.env);
  const context: RunContext = {
    face: 'command-line',
    currentDirectory: world.currentDirectory,
    temporaryDirectory: folder.path,
    takesImage: world.image !== undefined,
    ...(github === undefined ? {} : { github }),
  };
  try {
    return await runVerb(request, context, world, taken !== undefined);
  } finally {
    await folder.remove();
  }
}

/** A verb that is asked for, with its inputs. */
type VerbRequest = Extract<Request, { verb: VerbName }>;

/** The run's own folder; what killed runs have left beside it is removed. */
async function makeFolder(env: CliWorld['env']): Promise<RunFolder> {
  const parent = resolve(temporaryParent(env));
  await removeLeft(parent, { prefix });
  return makeRunFolder(parent, { prefix, env });
}

const prefix = 'comfy-nix-';

/** Gives the exit code. */
async function runVerb(
  request: VerbRequest,
  context: RunContext,
  world: CliWorld,
  isTaken: boolean,
): Promise<number> {
  const { verb, raw, telling } = request;
  const view = await chooseView(telling, world);
  const shown = { printer: world.printer, telling, isTaken };
  try {
    const host = commandLineHost(world, context, view, telling.verbose === true);
    const warning = context.github && unknownEventWarning(context.github);
    if (warning !== undefined) warn(host, warning);
    const outcome = await world.verbs[verb](raw, context, host);
    view.close();
    const { showOutcome } = await import('./outcome.ts'); // not needed before the end
    await showOutcome(outcome, shown);
    return outcome.exitCode ?? 0;
  } catch (error) {
    view.close();
    if (error instanceof VerbFailure) {
      const { showUnfinished } = await import('./outcome.ts');
      await showUnfinished(error.outcome, shown);
    }
    throw error;
  }
}

function commandLineHost(
  world: CliWorld,
  context: RunContext,
  view: View,
  isVerbose: boolean,
): Host {
  // what lasts no longer than this run goes into its own folder
  world.env.RUNNER_TEMP ||= context.temporaryDirectory;
  const env = withoutSecrets(world.env);
  const run = processRunner(env, { emit: view.take, clock: world.clock });
  return {
    env,
    clock: world.clock,
    run: isVerbose ? tellingCommands(run, view.say) : run,
    emit: view.take,
    stdout: world.image,
    signal: world.signal,
  };
}

/** Secrets are inputs by now; no other program needs to find them in its environment. */
function withoutSecrets(env: CliWorld['env']): CliWorld['env'] {
  const secret = new Set(inputs.filter(input => input.secret).map(input => variableOf(input.name)));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.has(name)));
}

/** The live view in a terminal; its libraries are loaded only then. */
async function chooseView(telling: Telling, world: CliWorld): Promise<View> {
  const { terminal, printer, clock, env } = world;
  if (telling.quiet) return quietView(printer.tell);
  if (terminal === undefined) return plainView(printer.tell, clock);
  const { liveView } = await import('./live.ts');
  return liveView({ terminal, printer, clock, env, isVerbose: telling.verbose === true });
}
