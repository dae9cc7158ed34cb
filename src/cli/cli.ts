import { rm } from 'node:fs/promises';
import { VerbFailure, type VerbOutcome } from '../commands/outcome.ts';
import type { Verb } from '../commands/verbs.ts';
import { explain } from '../host/failure.ts';
import type { Clock, Host } from '../host/host.ts';
import { exitCodeOf } from '../host/interrupt.ts';
import { processRunner } from '../host/process.ts';
import { newTemporaryFolder } from '../host/temporary.ts';
import { type RunContext, readGitHubContext } from '../inputs/context.ts';
import { type InputDefinition, inputs, type VerbName, variableOf } from '../inputs/table.ts';
import type { BuildRecord } from '../record/types.ts';
import { layerTable } from '../report/table.ts';
import { parseArguments, type Request } from './arguments.ts';
import { plainView } from './plain.ts';
import type { View } from './view.ts';

/** An output stream, as far as the command line needs it. */
export interface Stream {
  write(text: string): unknown;
}

/** What the command line works with. */
export interface CliWorld {
  /** Without node and program. */
  arguments: readonly string[];
  env: Record<string, string | undefined>;
  currentDirectory: string;
  clock: Clock;
  signal: AbortSignal;
  stdout: Stream;
  stderr: Stream;
  /** Standard error where it is a terminal that can be drawn on. */
  terminal: NodeJS.WriteStream | undefined;
  verbs: Readonly<Record<VerbName, Verb>>;
}

/**
 * Runs one command: 0 done, 1 failed, 2 wrong usage, 130 interrupted. All that people read goes to
 * standard error, since standard output may be the image.
 */
export async function runCli(world: CliWorld): Promise<number> {
  const request = parseArguments(world.arguments, world.env, {
    writeOut: text => world.stdout.write(text),
    writeError: text => world.stderr.write(text),
  });
  if ('exitCode' in request) return request.exitCode;
  try {
    await runVerb(request, world);
    return 0;
  } catch (error) {
    if (error instanceof VerbFailure) showUnfinished(error.outcome, world);
    world.stderr.write(`comfy-nix: ${explain(error)}\n`);
    return exitCodeOf(error, world.signal);
  }
}

/** Does what was asked for, in a temporary folder that ends with it, and shows what came of it. */
async function runVerb(
  { verb, raw }: Exclude<Request, { exitCode: number }>,
  world: CliWorld,
): Promise<void> {
  const context = await runContext(world);
  const view = await chooseView(world);
  try {
    const host = commandLineHost(world, context, view);
    const outcome = await world.verbs[verb](raw, context, host).finally(() => view.close());
    showOutcome(outcome, world);
  } finally {
    await rm(context.temporaryDirectory, { recursive: true, force: true });
  }
}

async function runContext(world: CliWorld): Promise<RunContext> {
  const github = await readGitHubContext(world.env);
  return {
    face: 'command-line',
    currentDirectory: world.currentDirectory,
    temporaryDirectory: await newTemporaryFolder('comfy-nix-', world.env),
    ...(github === undefined ? {} : { github }),
  };
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
    signal: world.signal,
  };
}

/** Secrets are inputs by now; no other program needs to find them in its environment. */
function withoutSecrets(env: CliWorld['env']): CliWorld['env'] {
  const all: readonly InputDefinition[] = inputs;
  const secret = new Set(all.filter(input => input.secret).map(input => variableOf(input.name)));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.has(name)));
}

/** The live view in a terminal; its library is loaded only then. */
async function chooseView(world: CliWorld): Promise<View> {
  const now = world.clock();
  if (world.terminal === undefined) {
    return plainView(text => world.stderr.write(text), world.clock, now);
  }
  const { liveView } = await import('./live.ts');
  return liveView(world.terminal, world.clock, now);
}

/** What a failed run has come to. */
function showUnfinished({ record, report }: VerbOutcome, world: CliWorld): void {
  if (record !== undefined && record.layers.length > 0) showTable(record, world);
  if (report !== undefined) world.stdout.write(report.text);
}

/** What was made: a table of layers, or the reference alone where there is no record. */
function showOutcome({ record, report, outputs }: VerbOutcome, world: CliWorld): void {
  showTable(record, world);
  if (report !== undefined) world.stdout.write(report.text);
  const { ref, tags } = outputs;
  if (record === undefined && typeof ref === 'string')
    world.stderr.write(`${ref}  (${[tags].flat().join(', ')})\n`);
}

function showTable(record: BuildRecord | undefined, world: CliWorld): void {
  if (record !== undefined) world.stderr.write(`${layerTable(record)}\n`);
}
