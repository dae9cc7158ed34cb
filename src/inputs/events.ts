import * as v from 'valibot';
import { badInput, quote } from './values.ts';

/**
 * Whose code the runs of an event work on:
 * - `repository`: what somebody who may write to the repository has put there
 * - `head`: a pull request's; the payload names the repository it comes from
 * - `queue`: pull requests on their way through a merge queue, of forks among them
 * - `comment`: an issue's run works on the repository, a pull request's on code that nobody names
 * - `cause`: that of the run before, whose event the payload names
 */
export type CodeOrigin = 'repository' | 'head' | 'queue' | 'comment' | 'cause';

/** GitHub's events (docs.github.com, "Events that trigger workflows"); any other is unknown. */
export const events = {
  push: 'repository',
  create: 'repository',
  release: 'repository',
  schedule: 'repository',
  workflow_dispatch: 'repository',
  workflow_call: 'repository',
  repository_dispatch: 'repository',
  pull_request: 'head',
  pull_request_target: 'head',
  pull_request_review: 'head',
  pull_request_review_comment: 'head',
  merge_group: 'queue',
  issue_comment: 'comment',
  workflow_run: 'cause',
} as const satisfies Record<string, CodeOrigin>;

type EventName = keyof typeof events;

/** What follows from an event. */
export interface Verdict {
  /** The run belongs to a pull request. */
  pullRequest: boolean;
  /** Where the code comes from when that is not this repository, in words; it gets no secret. */
  fork: string | undefined;
  /** The event that decided, where it is in no table and nobody trusts it. */
  unknownEvent: string | undefined;
}

/** A run as GitHub describes it. */
export interface DescribedRun {
  event: string;
  /** "owner/name". */
  repository: string;
  /** Such as "refs/heads/main". */
  ref: string | undefined;
  /** The event's payload, not checked yet. */
  payload: unknown;
}

const own: Verdict = { pullRequest: false, fork: undefined, unknownEvent: undefined };
const foreign = (fork: string): Verdict => ({ ...own, pullRequest: true, fork });

/**
 * Judges whose code a run works on. What cannot be told is taken for a fork's, unless the event is
 * `trusted`; code that does come from a fork is never trusted.
 */
export function judgeRun(run: DescribedRun, trusted: readonly string[] = []): Verdict {
  const origin = isKnown(run.event) ? events[run.event] : undefined;
  if (run.ref?.startsWith('refs/pull/') && origin !== 'head') return foreign('a pull request');
  if (origin === 'repository' && isQueueBranch(run.ref?.replace(/^refs\/heads\//, ''))) {
    return judgeRun({ ...run, event: 'merge_group' }, trusted);
  }
  const isTrusted = trusted.includes(run.event);
  switch (origin) {
    case 'repository':
      return own;
    case 'head':
      return { ...fromHead(headOfPull(run.payload), run.repository), pullRequest: true };
    case 'queue':
      return isTrusted ? own : foreign('pull requests in a merge queue');
    case 'comment':
      return isTrusted || isPlainIssue(run.payload)
        ? own
        : foreign('the pull request that was commented on');
    case 'cause':
      return judgeCause(run, trusted);
    case undefined:
      if (isTrusted) return own;
      return {
        ...foreign(`somewhere unknown (the event ${quote(run.event)})`),
        unknownEvent: run.event,
      };
  }
}

/** A run after another one works on that one's code, or on what it has made. */
function judgeCause(run: DescribedRun, trusted: readonly string[]): Verdict {
  const cause = causeOf(run.payload);
  const head = fromHead(cause?.head_repository?.full_name, run.repository);
  if (cause === undefined || head.fork !== undefined) return { ...head, pullRequest: true };
  const { event } = cause;
  if (isKnown(event) && events[event] === 'head') return { ...head, pullRequest: true };
  if (trusted.includes('workflow_run')) return own;
  // what caused that one in turn is told nowhere
  if (event === 'workflow_run') return foreign('a run that another workflow_run has caused');
  if (event === 'issue_comment') return foreign('a run that a comment has caused');
  const ref = cause.head_branch ? `refs/heads/${cause.head_branch}` : undefined;
  return judgeRun({ ...run, event, ref, payload: undefined }, trusted);
}

/** The events of the input `trust-event`; those that name their code's origin are judged by it. */
export function readTrustedEvents(names: readonly string[]): string[] {
  for (const name of names) {
    if (isKnown(name) && events[name] === 'head') {
      throw badInput(
        'trust-event',
        `${quote(name)} says where its code comes from, and that decides.`,
        'Leave it out: a pull request from a branch of this repository counts as its own.',
      );
    }
    if (!/^[a-z_]+$/.test(name)) {
      throw badInput('trust-event', `expected an event's name; found ${quote(name)}.`);
    }
  }
  return [...names];
}

const isKnown = (event: string): event is EventName => Object.hasOwn(events, event);

/** Branches that a merge queue pushes: their runs are of `push` and `create` as well. */
const isQueueBranch = (branch: string | undefined): boolean =>
  branch?.startsWith('gh-readonly-queue/') ?? false;

function fromHead(head: string | undefined, repository: string): Verdict {
  if (head === undefined) return foreign('an unknown or deleted repository');
  return head.toLowerCase() === repository.toLowerCase() ? own : foreign(head);
}

const repository = v.object({ full_name: v.pipe(v.string(), v.regex(/^[\w.-]+\/[\w.-]+$/)) });

const pull = v.object({
  pull_request: v.object({ head: v.object({ repo: v.nullish(repository) }) }),
});

const numbered = v.object({
  pull_request: v.object({ number: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) }),
});

const issue = v.object({ issue: v.object({ pull_request: v.optional(v.unknown()) }) });

const causedRun = v.object({
  workflow_run: v.object({
    event: v.string(),
    head_branch: v.nullish(v.string()),
    head_repository: v.nullish(repository),
  }),
});

function headOfPull(payload: unknown): string | undefined {
  const read = v.safeParse(pull, payload);
  return read.success ? read.output.pull_request.head.repo?.full_name : undefined;
}

/** The number of the pull request that an event is about; undefined where it is about none. */
export function pullNumber(payload: unknown): number | undefined {
  const read = v.safeParse(numbered, payload);
  return read.success ? read.output.pull_request.number : undefined;
}

/** Whether a comment's payload is of an issue that is no pull request. */
function isPlainIssue(payload: unknown): boolean {
  const read = v.safeParse(issue, payload);
  return read.success && read.output.issue.pull_request === undefined;
}

function causeOf(payload: unknown) {
  const read = v.safeParse(causedRun, payload);
  return read.success ? read.output.workflow_run : undefined;
}
