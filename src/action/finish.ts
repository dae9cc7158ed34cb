import type { AfterState } from '../commands/outcome.ts';
import type { After } from '../commands/verbs.ts';
import { explain, traceOf } from '../host/failure.ts';
import { processRunner } from '../host/process.ts';
import type { RunFolder } from '../host/run-folder.ts';
import { readGitHubContext } from '../inputs/context.ts';
import { secretsIn } from '../inputs/secrets.ts';
import { contextOf, type PhaseWorld } from './action.ts';
import { readInputs } from './inputs.ts';
import { actionLog } from './log.ts';
import { type FoundRun, findRun, removeRuns } from './private-folder.ts';

/** What the action's post phase works with. */
export interface PostWorld extends PhaseWorld {
  after: After;
}

/**
 * The post phase, at the end of the job: pushes and saves what is left, then deletes what `main` kept
 * in files. Resolves with the exit code: 1 where a push that was required failed.
 */
export async function finishAction(world: PostWorld): Promise<number> {
  const { env, toolkit, signal } = world;
  let run: FoundRun | undefined;
  try {
    run = await findRun(env, toolkit);
    if (run?.after !== undefined) await finishWork(run.folder, run.after, world);
    return 0;
  } catch (error) {
    if (run === undefined) return refuse(error, world);
    toolkit.debug(traceOf(error));
    toolkit.error(explain(signal.aborted ? signal.reason : error));
    return 1;
  } finally {
    await run?.folder.remove().catch((error: unknown) => {
      // the job's result is known by now; a folder left behind must not change it
      toolkit.warning(`The run's private folder could not be deleted: ${explain(error)}`);
    });
  }
}

/** What cannot be trusted is deleted and told; it fails the job where a push was required. */
async function refuse(error: unknown, { env, toolkit }: PostWorld): Promise<number> {
  toolkit.debug(traceOf(error));
  await removeRuns(env);
  const isRequired = readInputs(env)['cachix-push'] === 'required';
  if (isRequired) toolkit.error(explain(error));
  else toolkit.warning(explain(error));
  return isRequired ? 1 : 0;
}

async function finishWork(
  folder: RunFolder,
  left: AfterState,
  { after, ...world }: PostWorld,
): Promise<void> {
  const { env, toolkit, clock, signal } = world;
  const raw = readInputs(env);
  for (const secret of secretsIn(raw)) toolkit.setSecret(secret);
  const log = actionLog(toolkit, clock());
  const pulse = setInterval(() => log.tick(clock()), 1000);
  try {
    const github = await readGitHubContext(env, raw);
    const emit = log.take;
    const host = { env, clock, run: processRunner(env, { emit, clock }), emit, signal };
    await after(raw, contextOf(world, folder.path, github), left, host);
  } finally {
    clearInterval(pulse);
  }
}
