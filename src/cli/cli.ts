import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { VerbFailure, type VerbOutcome } from '../commands/outcome.ts';
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
import { inputs, type RawInputs, variableOf } from '../inputs/table.ts';
import type { VerbName } from '../inputs/verbs.ts';
import { program } from '../record/program.ts';
import type { BuildRecord } from '../record/types.ts';
import { layerTable } from '../report/table.ts';
import { parseArguments } from './arguments.ts';
import { plainView } from './plain.ts';
import type { Printer } from './printer.ts';
import type { View } from './view.ts';

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
  verbs: Readonly<Record<VerbName, Verb>>;
}

/**
 * Runs one command: 0 done, 1 failed, 2 wrong usage, 130 interrupted. All that people read goes to
 * standard error, since standard output may be the image.
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
  printer.tell(`${program.name}: ${explain(error)}\n`);
}

async function runRequest(world: CliWorld): Promise<number> {
  const { printer } = world;
  const request = parseArguments(world.arguments, world.env, {
    writeOut: printer.result,
    writeError: printer.tell,
  });
  if ('exitCode' in request) return request.exitCode;
  for (const secret of secretsIn(request.raw)) printer.guard.hide(secret);
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
    await runVerb(request, context, world);
  } finally {
    await folder.remove();
  }
  return 0;
}

/** The run's own folder; what killed runs have left beside it is removed. */
async function makeFolder(env: CliWorld['env']): Promise<RunFolder> {
  const parent = resolve(temporaryParent(env));
  await removeLeft(parent, { prefix });
  return makeRunFolder(parent, { prefix, env });
}

const prefix = 'comfy-nix-';

async function runVerb(
  { verb, raw }: { verb: VerbName; raw: RawInputs },
  context: RunContext,
  world: CliWorld,
): Promise<void> {
  const view = await chooseView(world);
  try {
    const host = commandLineHost(world, context, view);
    const warning = context.github && unknownEventWarning(context.github);
    if (warning !== undefined) warn(host, warning);
    const outcome = await world.verbs[verb](raw, context, host);
    view.close();
    showOutcome(outcome, world);
  } catch (error) {
    view.close();
    if (error instanceof VerbFailure) showUnfinished(error.outcome, world);
    throw error;
  }
}

function commandLineHost(world: CliWorld, context: RunContext, view: View): Host {
  // what lasts no longer than this run goes into its own folder
  world.env.RUNNER_TEMP ||= context.temporaryDirectory;
  const env = withoutSecrets(world.env);
  return {
    env,
    clock: world.clock,
    run: processRunner(env, { emit: view.take, clock: world.clock }),
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

/** The live view in a terminal; its library is loaded only then. */
async function chooseView(world: CliWorld): Promise<View> {
  const now = world.clock();
  if (world.terminal === undefined) {
    return plainView(world.printer.tell, world.clock, now);
  }
  const { liveView } = await import('./live.ts');
  return liveView(world.terminal, world.printer.guard, world.clock, now);
}

/** What a failed run has come to. */
function showUnfinished({ record, report }: VerbOutcome, world: CliWorld): void {
  if (record !== undefined && record.layers.length > 0) showTable(record, world);
  if (report !== undefined) world.printer.result(report.text);
}

/** What was made: a table of layers, or the reference alone where there is no record. */
function showOutcome({ record, report, outputs }: VerbOutcome, world: CliWorld): void {
  showTable(record, world);
  if (report !== undefined) showReport(report, world);
  const { ref, tags } = outputs;
  if (record === undefined && typeof ref === 'string')
    world.printer.tell(`${ref}  (${[tags].flat().join(', ')})\n`);
}

function showReport({ text, isData }: NonNullable<VerbOutcome['report']>, world: CliWorld): void {
  if (isData) world.printer.data(text);
  else world.printer.result(text);
}

function showTable(record: BuildRecord | undefined, world: CliWorld): void {
  if (record !== undefined) world.printer.tell(`${layerTable(record)}\n`);
}
