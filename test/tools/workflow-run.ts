import { spawnSync } from 'node:child_process';
import { parse } from 'yaml';
import { evaluated, evaluatedText, holds, type Json, type Scope } from './workflow-expressions.ts';
import { workflowParser } from './workflow-parser.ts';

/*
 * Stands in for what GitHub does with a workflow: decides which jobs run, in which order and how often,
 * from `needs`, `if`, `strategy` and outputs, and what each concludes. The conditions are those that
 * GitHub's own parser makes of the file. Scripts are run by bash; what an action does, the test says.
 */

type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

/** A step that was come to: an action with its inputs, or a script. */
interface StepCall {
  job: string;
  matrix: Readonly<Record<string, Json>>;
  uses: string;
  with: Readonly<Record<string, string>>;
}

/** What an action did. Cancelled: the run was, while it was at it. */
interface StepResult {
  conclusion?: 'success' | 'failure' | 'cancelled';
  outputs?: Readonly<Record<string, string>>;
}

/** One run of a job: one for each row of its matrix. */
interface JobRun {
  name: string;
  runsOn: Json;
  conclusion: Conclusion;
  calls: StepCall[];
}

interface JobEnd {
  result: Conclusion;
  outputs: Record<string, string>;
  runs: JobRun[];
}

interface Asked {
  /** Contexts that the event gives: `github`, `vars`, `secrets`. */
  contexts: Record<string, Json>;
  act(call: StepCall): StepResult;
}

interface WrittenStep {
  id?: string;
  uses?: string;
  run?: string;
  with?: Record<string, string | number | boolean>;
  env?: Record<string, string>;
}

interface WrittenJob {
  name?: string;
  needs?: string | string[];
  'runs-on'?: Json;
  strategy?: { matrix?: Json; 'fail-fast'?: boolean };
  outputs?: Record<string, string>;
  steps: WrittenStep[];
}

/** The conditions of a job and of its steps, with the `success()` that GitHub puts before most. */
interface Conditions {
  job: string;
  steps: string[];
}

const mostRows = 256;

/** Runs a workflow to its end. Jobs are run in the order of the file, which must be that of their needs. */
export async function runWorkflow(content: string, asked: Asked): Promise<Record<string, JobEnd>> {
  const conditions = await conditionsOf(content);
  const jobs = Object.entries((parse(content) as { jobs: Record<string, WrittenJob> }).jobs);
  const ended: Record<string, JobEnd> = {};
  const run = { cancelled: false };
  for (const [id, job] of jobs) {
    const { [id]: given } = conditions;
    if (given === undefined) throw new Error(`GitHub's parser knows no job ${id}`);
    ended[id] = endOfJob(id, job, given, { ...asked, ended, run, jobs: Object.fromEntries(jobs) });
  }
  return ended;
}

async function conditionsOf(content: string): Promise<Record<string, Conditions>> {
  const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await workflowParser();
  const { context, value } = parseWorkflow({ name: 'it', content }, new NoOperationTraceWriter());
  if (!value) throw new Error('this is no workflow');
  const { jobs } = await convertWorkflowTemplate(context, value);
  return Object.fromEntries(
    jobs.map(job => [
      job.id.value,
      {
        job: job.if.expression,
        steps: (job.type === 'job' ? job.steps : []).map(
          step => step.if?.expression ?? 'success()',
        ),
      },
    ]),
  );
}

interface Running extends Asked {
  ended: Record<string, JobEnd>;
  run: { cancelled: boolean };
  jobs: Record<string, WrittenJob>;
}

const needsOf = ({ needs = [] }: WrittenJob) => [needs].flat();

/** All that a job waits for, what these wait for, and so on. */
const ancestorsOf = (job: WrittenJob, jobs: Record<string, WrittenJob>): string[] =>
  needsOf(job).flatMap(id => [id, ...(jobs[id] ? ancestorsOf(jobs[id], jobs) : [])]);

function endOfJob(id: string, job: WrittenJob, given: Conditions, running: Running): JobEnd {
  const { contexts, ended, run, jobs } = running;
  const nothing = (result: Conclusion): JobEnd => ({ result, outputs: {}, runs: [] });
  const results = ancestorsOf(job, jobs).map(each => ended[each]?.result);
  const needs = Object.fromEntries(
    needsOf(job).map(each => [each, { result: 'skipped', outputs: {}, ...ended[each] }]),
  );
  const scope: Scope = {
    contexts: { ...contexts, needs: JSON.parse(JSON.stringify(needs)) },
    status: {
      ...statusOf(!run.cancelled && results.every(result => result === 'success')),
      ...{ failure: results.includes('failure'), cancelled: run.cancelled },
    },
  };
  if (!holds(given.job, scope)) return nothing(run.cancelled ? 'cancelled' : 'skipped');
  let rows: Record<string, Json>[];
  try {
    rows = rowsOf(job, scope);
  } catch {
    return nothing('failure'); // an error when evaluating the strategy
  }
  const made = rows.map(matrix => runJob(id, job, given, { matrix, scope, running }));
  const outputs: Record<string, string> = Object.assign({}, ...made.map(each => each.outputs));
  return {
    result: worst(made.map(each => each.run.conclusion)),
    outputs,
    runs: made.map(each => each.run),
  };
}

const statusOf = (success: boolean) => ({ success, always: true });

const worst = (conclusions: readonly Conclusion[]): Conclusion =>
  (['failure', 'cancelled'] as const).find(each => conclusions.includes(each)) ?? 'success';

/** The rows of a job's matrix, one without fields where it has none. Throws where GitHub makes no job. */
function rowsOf({ strategy }: WrittenJob, scope: Scope): Record<string, Json>[] {
  if (strategy?.matrix === undefined) return [{}];
  const { matrix } = strategy;
  const given = typeof matrix === 'string' ? evaluated(matrix, scope) : matrix;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new Error('no matrix');
  const { include = [], ...vectors } = given as Record<string, Json>;
  const all: Record<string, Json>[] = Object.entries(vectors).reduce<Record<string, Json>[]>(
    (rows, [name, values]) =>
      rows.flatMap(row => ((values ?? []) as Json[]).map(value => ({ ...row, [name]: value }))),
    Object.keys(vectors).length > 0 ? [{}] : [],
  );
  const rows = [...all, ...(include as Record<string, Json>[])];
  if (rows.length === 0) throw new Error('the matrix has no vector');
  if (rows.length > mostRows) throw new Error(`the matrix has more than ${mostRows} jobs`);
  return rows;
}

interface Row {
  matrix: Record<string, Json>;
  scope: Scope;
  running: Running;
}

function runJob(id: string, job: WrittenJob, given: Conditions, { matrix, scope, running }: Row) {
  const calls: StepCall[] = [];
  const steps: Record<string, Json> = {};
  let conclusion: Conclusion = 'success';
  const inJob = (): Scope => ({
    contexts: { ...scope.contexts, matrix, steps },
    status: {
      ...statusOf(conclusion === 'success'),
      ...{ failure: conclusion === 'failure', cancelled: conclusion === 'cancelled' },
    },
  });
  const text = (value: string | number | boolean) => evaluatedText(String(value), inJob());
  for (const [at, step] of job.steps.entries()) {
    if (!holds(given.steps[at] ?? 'success()', inJob())) continue;
    const call: StepCall = {
      job: id,
      matrix,
      uses: step.uses ?? '',
      with: texts(step.with ?? {}, text),
    };
    calls.push(call);
    const done = step.run === undefined ? running.act(call) : runScript(step, text);
    if (step.id !== undefined) steps[step.id] = { outputs: { ...done.outputs } };
    if (done.conclusion === 'cancelled') running.run.cancelled = true;
    if (done.conclusion !== 'success' && done.conclusion !== undefined)
      conclusion = done.conclusion;
  }
  const outputs = texts(job.outputs ?? {}, text); // those of a job that failed are there, too
  const name = evaluatedText(job.name ?? id, inJob());
  const runsOn =
    typeof job['runs-on'] === 'string'
      ? evaluated(job['runs-on'], inJob())
      : (job['runs-on'] ?? null);
  return { run: { name, runsOn, conclusion, calls }, outputs };
}

const texts = <Value>(values: Record<string, Value>, text: (value: Value) => string) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]));

/** The shell that GitHub gives a script. */
function runScript(
  { run = '', env = {} }: WrittenStep,
  text: (value: string) => string,
): StepResult {
  const { status } = spawnSync('bash', ['-e', '-c', text(run)], {
    env: { PATH: process.env.PATH, GITHUB_STEP_SUMMARY: '/dev/null', ...texts(env, text) },
  });
  return { conclusion: status === 0 ? 'success' : 'failure' };
}
