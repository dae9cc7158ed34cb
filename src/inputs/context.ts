import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { limits } from '../host/limits.ts';
import { judgeRun, pullNumber, type Verdict } from './events.ts';
import { parse } from './parse.ts';
import type { RawInputs } from './table.ts';
import { quote } from './values.ts';

/** What a run knows of the place it runs in, beside its inputs. */
export interface RunContext {
  face: 'action' | 'command-line';
  /** The folder in which the program was started; absolute. */
  currentDirectory: string;
  /** A folder of this run alone, absolute; it is deleted when the run (or the job) is over. */
  temporaryDirectory: string;
  /** Standard output goes to a file or a program, so that it can be an image. Never so in a workflow. */
  takesImage?: boolean;
  /** Absent outside GitHub Actions. */
  github?: GitHubContext;
}

/** The part of a workflow run that decides what may be done. */
export interface GitHubContext extends Verdict {
  /** Name of the event, such as "push". */
  event: string;
  /** "owner/name". */
  repository: string;
  /** Address of the repository. */
  source: string;
  /** The commit that the workflow runs for. */
  revision: string | undefined;
  /** The number of the pull request that the event is about. */
  pull?: number | undefined;
  /** Branches with whose last run this one is compared: a pull request's base, the default one. */
  compareWith: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the context of GitHub Actions, in a `run:` step as well; undefined outside of it.
 * @throws Failure with exit code 2 where the input `trust-event` is wrong
 */
export async function readGitHubContext(
  env: Environment,
  raw: RawInputs,
): Promise<GitHubContext | undefined> {
  if (env.GITHUB_ACTIONS !== 'true') return undefined;
  const { trustEvent } = parse('face', raw);
  return githubContext(env, await readEvent(env.GITHUB_EVENT_PATH), trustEvent);
}

/** The context that the runner's variables and the event's payload describe. */
export function githubContext(
  env: Environment,
  payload: unknown,
  trusted: readonly string[] = [],
): GitHubContext {
  const event = env.GITHUB_EVENT_NAME ?? '';
  const repository = env.GITHUB_REPOSITORY ?? '';
  return {
    event,
    repository,
    source: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}`,
    revision: env.GITHUB_SHA,
    pull: pullNumber(payload),
    compareWith: branchesToCompare(env, payload),
    ...judgeRun({ event, repository, ref: env.GITHUB_REF, payload }, trusted),
  };
}

const withDefaultBranch = v.object({ repository: v.object({ default_branch: v.string() }) });

function branchesToCompare(env: Environment, payload: unknown): string[] {
  const read = v.safeParse(withDefaultBranch, payload);
  const { GITHUB_BASE_REF: base } = env;
  return [
    ...new Set([
      ...(base ? [base] : []),
      ...(read.success ? [read.output.repository.default_branch] : []),
    ]),
  ];
}

/** What is to be told of an event that this program does not know; undefined where it does. */
export function unknownEventWarning({ unknownEvent }: GitHubContext): string | undefined {
  if (unknownEvent === undefined) return undefined;
  return (
    `This program does not know the event ${quote(unknownEvent)}: as it cannot tell whose code ` +
    'runs, nothing is written and no secret is used. If it is code of this repository alone, name ' +
    'the event in the input trust-event.'
  );
}

/** The event's payload; undefined when it cannot be read, which is then treated with caution. */
async function readEvent(path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  try {
    const { size } = await stat(path);
    return size > limits.eventPayload ? undefined : parsePayload(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** An event's payload as the runner writes it; undefined where it is no JSON. */
export function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
