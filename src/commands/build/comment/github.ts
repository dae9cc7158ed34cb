import * as v from 'valibot';
import { Failure } from '../../../host/failure.ts';
import { connectionLost, openGitHub, restOf, saidBy, statusOf } from '../../../host/github-api.ts';
import type { Clock } from '../../../host/host.ts';
import type { HttpClient } from '../../../host/http/client.ts';
import { fetchOver } from '../../../host/http/fetch.ts';
import { ConnectionLost } from '../../../host/http/message.ts';
import { isTransient } from '../../../host/http/retry.ts';
import { limits, retries } from '../../../host/limits.ts';
import type { PullRequest } from '../../../inputs/settings.ts';
import { rowsIn } from '../../../report/comment.ts';
import { Busy, type Comments, type OwnComment } from './merge.ts';

/** Who a job's own token writes as, where GitHub does not tell. */
const usualAuthor = 'github-actions[bot]';

const commentSchema = v.object({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  body: v.string(),
  user: v.object({ login: v.string() }),
});
const viewerSchema = v.object({ viewer: v.object({ login: v.string() }) });

type GitHub = Awaited<ReturnType<typeof openGitHub>>;

/** The comments of this program on a pull request, by GitHub's API. Nothing is asked before they are. */
export async function githubComments(
  { repository, number, token }: PullRequest,
  api: string,
  http: HttpClient,
): Promise<Comments> {
  const { clock } = http.policy;
  const octokit = await openGitHub({ api, token }, { fetch: fetchOver(http.exchange) });
  const [owner = '', repo = ''] = repository.split('/');
  const { issues } = octokit.rest;
  const ask = <Answer>(asked: Promise<Answer>) =>
    asked.catch(error => Promise.reject(explained(error, clock)));
  const ifThere = (asked: Promise<unknown>) =>
    ask(asked.catch(error => (statusOf(error) === 404 ? undefined : Promise.reject(error))));
  let author: string | undefined;
  const list = async () => {
    author ??= await authorOf(octokit, clock);
    const issue = { owner, repo, issue_number: number, per_page: 100 };
    return ownComments(octokit.paginate.iterator(issues.listComments, issue), author);
  };
  return {
    list: () => ask(list()),
    create: async body => {
      await ask(issues.createComment({ owner, repo, issue_number: number, body }));
    },
    update: async (id, body) => {
      await ifThere(issues.updateComment({ owner, repo, comment_id: id, body }));
    },
    remove: async id => {
      await ifThere(issues.deleteComment({ owner, repo, comment_id: id }));
    },
  };
}

/** Whom GitHub writes comments as: others may have put our marker into theirs, which are left alone. */
async function authorOf(octokit: GitHub, clock: Clock): Promise<string> {
  const answer: unknown = await octokit.graphql('{ viewer { login } }').catch(error => {
    if (busy(error, clock)) throw error;
  });
  const read = v.safeParse(viewerSchema, answer);
  return read.success ? read.output.viewer.login : usualAuthor;
}

async function ownComments(
  pages: AsyncIterable<{ data: unknown }>,
  author: string,
): Promise<OwnComment[]> {
  const found: OwnComment[] = [];
  let left = limits.listPages;
  for await (const { data } of pages) {
    found.push(...commentsOf(data).flatMap(comment => ownComment(comment, author)));
    left -= 1;
    if (left === 0) break;
  }
  return found.sort((one, other) => one.id - other.id);
}

function commentsOf(page: unknown): readonly unknown[] {
  if (Array.isArray(page)) return page;
  throw new Failure('GitHub gave no list of comments.', {
    next: 'Look what stands between this machine and GitHub: a proxy may have answered.',
  });
}

function ownComment(comment: unknown, author: string): OwnComment[] {
  const { success, output } = v.safeParse(commentSchema, comment);
  const rows = success && output.user.login === author ? rowsIn(output.body) : undefined;
  return success && rows ? [{ id: output.id, rows }] : [];
}

/** What GitHub's library throws, as a {@link Failure}. */
function explained(error: unknown, clock: Clock): unknown {
  const passing = busy(error, clock);
  if (passing !== undefined) return passing;
  const status = statusOf(error);
  if (status === undefined) return error;
  const said = [String(status), saidBy(error)].filter(Boolean).join(': ');
  if (![401, 403, 404].includes(status)) return new Failure(`GitHub answered ${said}.`);
  return new Failure(`The token may not write there (${said}).`, {
    next: 'Give the job the permission pull-requests: write, or set `comment: false`.',
  });
}

/** What is over after a while; undefined for anything else. */
function busy(error: unknown, clock: Clock): Busy | undefined {
  const rest = restOf(error, clock);
  if (rest !== undefined) {
    const until = rest.until ? ` until ${new Date(rest.until).toISOString()}` : '';
    const asked = rest.until ? rest.until - clock() : retries.comment.usuallyAsked;
    return new Busy(`GitHub answers no more requests${until}.`, asked);
  }
  const status = statusOf(error);
  if (status !== undefined) {
    return isTransient(status) ? new Busy(`GitHub answered ${status}.`) : undefined;
  }
  const lost = connectionLost(error);
  if (!(lost instanceof ConnectionLost)) return undefined;
  return new Busy(`The connection to GitHub failed: ${lost.message}.`);
}
