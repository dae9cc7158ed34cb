import { randomUUID } from 'node:crypto';
import { setInterval } from 'node:timers';
import { VerbFailure, type VerbOutcome } from '../commands/outcome.ts';
import type { Verb } from '../commands/verbs.ts';
import { explain } from '../host/failure.ts';
import type { Clock, Host } from '../host/host.ts';
import { exitCodeOf } from '../host/interrupt.ts';
import { processRunner } from '../host/process.ts';
import { type RunContext, readGitHubContext } from '../inputs/context.ts';
import { inputNamed, type RawInputs, type VerbName } from '../inputs/table.ts';
import { readChoice } from '../inputs/values.ts';
import { failureMarkdown, summaryMarkdown } from '../report/summary.ts';
import { layerTable } from '../report/table.ts';
import { readInputs, secretsIn } from './inputs.ts';
import { actionLog } from './log.ts';
import { makePrivateDirectory } from './private-directory.ts';
import type { Toolkit } from './toolkit.ts';

/** Name of the state in which `main` tells `post` what is left to do. */
export const afterState = 'after';

/** What the action's main phase works with. */
export interface ActionWorld {
  env: Readonly<Record<string, string | undefined>>;
  currentDirectory: string;
  clock: Clock;
  signal: AbortSignal;
  toolkit: Toolkit;
  verbs: Readonly<Record<VerbName, Verb>>;
}

/** The main phase: masks secrets before anything is printed, does the verb, hands back results. */
export async function runAction(world: ActionWorld): Promise<number> {
  const raw = readInputs(world.env);
  for (const secret of secretsIn(raw)) world.toolkit.setSecret(secret);
  const log = actionLog(world.toolkit, world.clock(), randomUUID());
  const pulse = setInterval(() => log.tick(world.clock()), 1000);
  try {
    const host: Host = {
      env: world.env,
      clock: world.clock,
      run: processRunner(world.env, { emit: log.take, clock: world.clock }),
      emit: log.take,
      signal: world.signal,
    };
    const outcome = await chosenVerb(raw, world)(raw, await runContext(world), host);
    log.finish(world.clock());
    await handBack(outcome, world);
    return 0;
  } catch (error) {
    log.finish(world.clock());
    await reportFailure(error, world);
    return exitCodeOf(error, world.signal);
  } finally {
    clearInterval(pulse);
  }
}

function chosenVerb(raw: RawInputs, world: ActionWorld): Verb {
  const names = Object.keys(world.verbs) as VerbName[];
  const name = raw.command || (inputNamed('command').default ?? '');
  return world.verbs[readChoice('command', name, names)];
}

async function runContext(world: ActionWorld): Promise<RunContext> {
  const github = await readGitHubContext(world.env);
  return {
    face: 'action',
    currentDirectory: world.currentDirectory,
    temporaryDirectory: await makePrivateDirectory(world.env, world.toolkit),
    ...(github === undefined ? {} : { github }),
  };
}

async function handBack(outcome: VerbOutcome, world: ActionWorld): Promise<void> {
  handOver(outcome, world);
  await tell(outcome, world);
  if (outcome.record === undefined) return;
  world.toolkit.info(layerTable(outcome.record));
  await writeSummary(summaryMarkdown(outcome.record), world);
}

/** What a verb that builds nothing has found. */
async function tell({ report }: VerbOutcome, world: ActionWorld): Promise<void> {
  if (report === undefined) return;
  world.toolkit.info(report.text);
  await writeSummary(report.markdown, world);
}

/** Outputs, what later steps need of the environment, and what `post` has to do. */
function handOver(outcome: VerbOutcome, { toolkit }: ActionWorld): void {
  for (const [name, value] of Object.entries(outcome.outputs)) {
    toolkit.setOutput(name, outputText(value));
  }
  for (const folder of outcome.exports?.path ?? []) toolkit.addPath(folder);
  for (const [name, value] of Object.entries(outcome.exports?.env ?? {})) {
    toolkit.exportVariable(name, value);
  }
  if (outcome.after !== undefined) toolkit.saveState(afterState, JSON.stringify(outcome.after));
}

/** Lists of texts go out by lines, as other actions take them; all else but text as JSON. */
function outputText(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  const isTextList = Array.isArray(value) && value.every(each => typeof each === 'string');
  return isTextList ? value.join('\n') : JSON.stringify(value);
}

async function reportFailure(error: unknown, world: ActionWorld): Promise<void> {
  const text = explain(error);
  const outcome = error instanceof VerbFailure ? error.outcome : undefined;
  // steps that run `if: always()` find the record and the Nix that was installed
  if (outcome !== undefined) handOver(outcome, world);
  if (outcome?.report !== undefined) {
    await tell(outcome, world);
    world.toolkit.error(text);
    return;
  }
  const record = outcome?.record;
  if (record !== undefined && record.layers.length > 0) world.toolkit.info(layerTable(record));
  world.toolkit.error(text);
  await writeSummary(record === undefined ? failureMarkdown(text) : summaryMarkdown(record), world);
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
