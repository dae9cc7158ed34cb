import { setInterval } from 'node:timers';
import { VerbFailure, type VerbOutcome } from '../commands/outcome.ts';
import type { Verb } from '../commands/verbs.ts';
import { explain, traceOf } from '../host/failure.ts';
import type { Clock, Host } from '../host/host.ts';
import { exitCodeOf } from '../host/interrupt.ts';
import { processRunner } from '../host/process.ts';
import type { RunFolder } from '../host/run-folder.ts';
import { warn } from '../host/say.ts';
import { unheededInputs } from '../inputs/advice.ts';
import {
  type GitHubContext,
  type RunContext,
  readGitHubContext,
  unknownEventWarning,
} from '../inputs/context.ts';
import { type OutputName, outputText } from '../inputs/outputs.ts';
import { parse } from '../inputs/parse.ts';
import { secretsIn } from '../inputs/secrets.ts';
import type { VerbName } from '../inputs/verbs.ts';
import type { BuildRecord } from '../record/types.ts';
import { readInputs, undeclaredInputs } from './inputs.ts';
import { actionLog } from './log.ts';
import { beginRun, keepAfter } from './private-folder.ts';
import type { Toolkit } from './toolkit.ts';

/** What a phase of the action works with. */
export interface PhaseWorld {
  env: Readonly<Record<string, string | undefined>>;
  currentDirectory: string;
  clock: Clock;
  signal: AbortSignal;
  toolkit: Toolkit;
}

/** What the action's main phase works with. */
export interface ActionWorld extends PhaseWorld {
  verbs: Readonly<Record<VerbName, Verb>>;
}

/** The main phase: masks secrets before anything is printed, does the verb, hands back results. */
export async function runAction(world: ActionWorld): Promise<number> {
  const raw = readInputs(world.env);
  for (const secret of secretsIn(raw)) world.toolkit.setSecret(secret);
  const log = actionLog(world.toolkit, world.clock());
  let folder: RunFolder | undefined;
  const pulse = setInterval(() => log.tick(world.clock()), 1000);
  try {
    const host: Host = {
      env: world.env,
      clock: world.clock,
      run: processRunner(world.env, { emit: log.take, clock: world.clock }),
      emit: log.take,
      signal: world.signal,
    };
    const { command } = parse('face', raw);
    const unheeded = unheededInputs(command, raw, undeclaredInputs(world.env));
    const github = await readGitHubContext(world.env, raw);
    const warning = github && unknownEventWarning(github);
    for (const each of [...unheeded, warning ?? []].flat()) warn(host, each);
    folder = await beginRun(world.env, world.toolkit);
    const verb = world.verbs[command];
    const outcome = await verb(raw, contextOf(world, folder.path, github), host);
    log.finish(world.clock());
    await handBack(outcome, folder, world);
    return outcome.exitCode ?? 0;
  } catch (error) {
    log.finish(world.clock());
    await reportFailure(world.signal.aborted ? world.signal.reason : error, folder, world);
    return exitCodeOf(error, world.signal);
  } finally {
    folder?.leave();
    clearInterval(pulse);
  }
}

/** What a verb, and what it leaves for `post`, gets to know of its place. */
export const contextOf = (
  { currentDirectory }: PhaseWorld,
  temporaryDirectory: string,
  github: GitHubContext | undefined,
): RunContext => ({
  face: 'action',
  currentDirectory,
  temporaryDirectory,
  ...(github === undefined ? {} : { github }),
});

async function handBack(
  outcome: VerbOutcome,
  folder: RunFolder,
  world: ActionWorld,
): Promise<void> {
  await handOver(outcome, folder, world);
  await tell(outcome, world);
  if (outcome.record === undefined) return;
  await tellResult(outcome.record, world);
  await writeSummary(await summaryOf(outcome), world);
}

/** What a verb that builds nothing has found. */
async function tell({ report }: VerbOutcome, world: ActionWorld): Promise<void> {
  if (report === undefined) return;
  world.toolkit.info(report.text);
  await writeSummary(report.markdown, world);
}

/** Outputs, what later steps need of the environment, and what `post` has to do. */
async function handOver(
  outcome: VerbOutcome,
  folder: RunFolder,
  { toolkit }: ActionWorld,
): Promise<void> {
  for (const [name, value] of Object.entries(outcome.outputs)) {
    toolkit.setOutput(name, outputText(name as OutputName, value));
  }
  for (const folder of outcome.exports?.path ?? []) toolkit.addPath(folder);
  for (const [name, value] of Object.entries(outcome.exports?.env ?? {})) {
    toolkit.exportVariable(name, value);
  }
  if (outcome.after !== undefined) await keepAfter(folder, outcome.after);
}

async function reportFailure(
  error: unknown,
  folder: RunFolder | undefined,
  world: ActionWorld,
): Promise<void> {
  const { toolkit } = world;
  const text = explain(error);
  toolkit.debug(traceOf(error));
  const outcome = error instanceof VerbFailure ? error.outcome : undefined;
  // steps that run `if: always()` find the record and the Nix that was installed
  if (outcome !== undefined && folder !== undefined) await handOver(outcome, folder, world);
  if (outcome?.report !== undefined) {
    await tell(outcome, world);
    toolkit.error(text);
    return;
  }
  const record = outcome?.record;
  if (record !== undefined && record.layers.length > 0) await tellResult(record, world);
  toolkit.error(text);
  await writeSummary(await summaryOf(outcome, text), world);
}

/** What a run has come to, for its log; what makes it is loaded then. */
async function tellResult(record: BuildRecord, { toolkit }: ActionWorld): Promise<void> {
  const { runResult } = await import('../report/table.ts');
  toolkit.info(runResult(record));
}

/** The summary of a run; what makes it is loaded when there is something to tell. */
async function summaryOf(outcome: VerbOutcome | undefined, failure = ''): Promise<string> {
  const { failureMarkdown, summaryMarkdown } = await import('../report/summary.ts');
  const record = outcome?.record;
  return record === undefined
    ? failureMarkdown(failure)
    : summaryMarkdown(record, outcome?.previous);
}

/** A summary that cannot be written is worth a warning, not the run. */
async function writeSummary(markdown: string, { env, toolkit }: ActionWorld): Promise<void> {
  if (!env.GITHUB_STEP_SUMMARY) return;
  try {
    await toolkit.writeSummary(markdown);
  } catch (error) {
    toolkit.warning(`The step summary could not be written: ${explain(error)}`);
  }
}
