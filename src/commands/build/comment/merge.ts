import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../../../host/failure.ts';
import type { Clock } from '../../../host/host.ts';
import { retries } from '../../../host/limits.ts';
import {
  type CommentRow,
  commentMarkdown,
  hold,
  mergeRows,
  rowsIn,
} from '../../../report/comment.ts';

/** A comment of this program. */
export interface OwnComment {
  id: number;
  rows: readonly CommentRow[];
}

/** This program's comments on a pull request. All reject with a {@link Failure}, {@link Busy} among them. */
export interface Comments {
  /** The oldest first. */
  list(): Promise<OwnComment[]>;
  create(body: string): Promise<void>;
  /** One that is gone by now is no error. */
  update(id: number, body: string): Promise<void>;
  remove(id: number): Promise<void>;
}

/** No answer for now; what was asked for may have been done or not. */
export class Busy extends Failure {
  /** After how long to come back, in ms; undefined: that is not said. */
  readonly asked: number | undefined;

  constructor(message: string, asked?: number) {
    super(message);
    this.asked = asked;
  }
}

/** How it is waited; the last two are for tests. */
export interface Waiting {
  clock: Clock;
  signal?: AbortSignal | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * Puts a row into the one comment of a pull request, which other jobs write as well: it is read, merged,
 * written, and looked at again, until it is seen to hold the row. GitHub compares nothing when a comment is
 * changed, so that another job may put back what it has read before: it is waited for twice as long as reading
 * and writing took. Of several comments the oldest stays, and gets the rows of the others.
 *
 * @param mayBegin whether there may be a comment where there was none
 */
export async function putRow(
  row: CommentRow,
  comments: Comments,
  mayBegin: boolean,
  { clock, signal, sleep = usualSleep, random = Math.random }: Waiting,
): Promise<void> {
  const { attempts, pause, longestPause } = retries.comment;
  const waitFor = waitingForFaults();
  let rows = [row];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const before = clock();
    let asked = 0;
    try {
      const found = await recentList(comments, clock);
      rows = mergeRows(rows, ...found.map(each => each.rows));
      if (!(await step(found, rows, comments, mayBegin))) return;
    } catch (error) {
      asked = waitFor(error);
    }
    const own = Math.min(longestPause, Math.max(pause, 2 * (clock() - before))) * (1 + random());
    await sleep(asked + own, signal);
  }
  throw new Failure('Others write the comment all the time.', {
    tried: `It was written ${attempts} times and was overwritten each time.`,
  });
}

/** Does what is next to be done, so that one comment holds the rows; false where nothing is. */
async function step(
  [oldest, ...others]: readonly OwnComment[],
  rows: readonly CommentRow[],
  comments: Comments,
  mayBegin: boolean,
): Promise<boolean> {
  const body = commentMarkdown(rows);
  if (oldest === undefined) {
    if (mayBegin) await comments.create(body);
    return mayBegin;
  }
  if (!hold(oldest.rows, rowsIn(body) ?? [])) {
    await comments.update(oldest.id, body);
    return true;
  }
  // only now that their rows were seen in the oldest
  for (const { id } of others) await comments.remove(id);
  return others.length > 0;
}

/** For how long to leave GitHub alone after a fault, in ms; a fault that does not pass is thrown on. */
function waitingForFaults(): (error: unknown) => number {
  const { faults, pause, longestAsked } = retries.comment;
  let met = 0;
  return error => {
    met += 1;
    if (!(error instanceof Busy) || met === faults) throw error;
    const ms = error.asked ?? pause * 2 ** met;
    if (ms > longestAsked) throw error;
    return ms;
  };
}

/** What was long on its way may be old by now, and is asked for once more before it is written back. */
async function recentList(comments: Comments, clock: Clock): Promise<OwnComment[]> {
  const before = clock();
  const found = await comments.list();
  return clock() - before > retries.comment.pause ? comments.list() : found;
}

const usualSleep = (ms: number, signal?: AbortSignal) =>
  wait(ms, undefined, signal ? { signal } : {});
