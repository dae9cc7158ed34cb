import { randomUUID } from 'node:crypto';
import type { AfterState } from '../commands/outcome.ts';
import type { After } from '../commands/verbs.ts';
import { explain } from '../host/failure.ts';
import { processRunner } from '../host/process.ts';
import { readGitHubContext } from '../inputs/context.ts';
import { type ActionWorld, afterState } from './action.ts';
import { readInputs, secretsIn } from './inputs.ts';
import { actionLog } from './log.ts';
import { deletePrivateDirectory, directoryState } from './private-directory.ts';

/** What the action's post phase works with. */
export type PostWorld = Omit<ActionWorld, 'verbs'> & { after: After };

/**
 * The post phase, at the end of the job: pushes and saves what is left, then deletes what `main` kept
 * in files. Resolves with the exit code: 1 where a push that was required failed.
 */
export async function finishAction(world: PostWorld): Promise<number> {
  const { env, toolkit } = world;
  try {
    return await finishWork(world);
  } finally {
    await deletePrivateDirectory(env, toolkit).catch((error: unknown) => {
      // the job's result is known by now; a folder left behind must not change it
      toolkit.warning(`The run's private folder could not be deleted: ${explain(error)}`);
    });
  }
}

async function finishWork({ after, ...world }: PostWorld): Promise<number> {
  const { env, toolkit, clock, signal } = world;
  const state = toolkit.getState(afterState);
  if (state === '') return 0;
  const raw = readInputs(env);
  for (const secret of secretsIn(raw)) toolkit.setSecret(secret);
  const log = actionLog(toolkit, clock(), randomUUID());
  const pulse = setInterval(() => log.tick(clock()), 1000);
  try {
    const github = await readGitHubContext(env);
    const context = {
      face: 'action' as const,
      currentDirectory: world.currentDirectory,
      temporaryDirectory: toolkit.getState(directoryState),
      ...(github === undefined ? {} : { github }),
    };
    const emit = log.take;
    const host = { env, clock, run: processRunner(env, { emit, clock }), emit, signal };
    await after(raw, context, JSON.parse(state) as AfterState, host);
    return 0;
  } catch (error) {
    toolkit.error(explain(error));
    return 1;
  } finally {
    clearInterval(pulse);
  }
}
