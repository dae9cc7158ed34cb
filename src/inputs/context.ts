import { readFile } from 'node:fs/promises';

/** What a run knows of the place it runs in, beside its inputs. */
export interface RunContext {
  face: 'action' | 'command-line';
  /** The folder in which the program was started; absolute. */
  currentDirectory: string;
  /** A folder of this run alone, absolute; it is deleted when the run (or the job) is over. */
  temporaryDirectory: string;
  /** Absent outside GitHub Actions. */
  github?: GitHubContext;
}

/** The part of a workflow run that decides what may be done. */
export interface GitHubContext {
  /** Name of the event, such as "push". */
  event: string;
  /** "owner/name". */
  repository: string;
  /** Address of the repository. */
  source: string;
  /** The commit that the workflow runs for. */
  revision: string | undefined;
  /** The run belongs to a pull request. */
  pullRequest: boolean;
  /** Where the code comes from when that is not this repository, in words; it gets no secret. */
  fork: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the context of GitHub Actions, in a `run:` step as well; undefined outside of it. */
export async function readGitHubContext(env: Environment): Promise<GitHubContext | undefined> {
  if (env.GITHUB_ACTIONS !== 'true') return undefined;
  return githubContext(env, await readEvent(env.GITHUB_EVENT_PATH));
}

/**
 * The context that the runner's variables and the event's payload describe. A payload that does not
 * say where a pull request's code comes from is taken for a fork's.
 */
export function githubContext(env: Environment, payload: unknown): GitHubContext {
  const event = env.GITHUB_EVENT_NAME ?? '';
  const repository = env.GITHUB_REPOSITORY ?? '';
  return {
    event,
    repository,
    source: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}`,
    revision: env.GITHUB_SHA,
    pullRequest: isPullRequest(event, payload),
    fork: foreignCode(event, repository, payload),
  };
}

/** A workflow_run that a pull request has caused runs on the pull request's code. */
function isPullRequest(event: string, payload: unknown): boolean {
  const cause = event === 'workflow_run' ? member(payload, 'workflow_run', 'event') : event;
  return typeof cause === 'string' && cause.startsWith('pull_request');
}

/** The repository of the code where it is not `repository`; only some events bring such code. */
function foreignCode(event: string, repository: string, payload: unknown): string | undefined {
  const head = event.startsWith('pull_request')
    ? member(payload, 'pull_request', 'head', 'repo', 'full_name')
    : event === 'workflow_run'
      ? member(payload, 'workflow_run', 'head_repository', 'full_name')
      : repository;
  if (typeof head !== 'string') return 'an unknown or deleted repository';
  return head.toLowerCase() === repository.toLowerCase() ? undefined : head;
}

function member(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
    value,
  );
}

/** The event's payload; undefined when it cannot be read, which is then treated with caution. */
async function readEvent(path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
