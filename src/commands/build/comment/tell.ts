import { Failure } from '../../../host/failure.ts';
import { githubApi } from '../../../host/github-server.ts';
import type { Host } from '../../../host/host.ts';
import { withoutLogin } from '../../../host/http/address.ts';
import { type HttpClient, withHttp } from '../../../host/http/client.ts';
import { limits, patience } from '../../../host/limits.ts';
import { notice } from '../../../host/say.ts';
import { naming } from '../../../host/wait.ts';
import { digestOf } from '../../../image/digest.ts';
import type { BuildSettings, PullRequest } from '../../../inputs/settings.ts';
import type { CommentRow } from '../../../report/comment.ts';
import { describeForComment } from '../../../report/comment-row.ts';
import type { BuildOutcome } from '../../outcome.ts';
import { githubComments } from './github.ts';
import { putRow, type Waiting } from './merge.ts';

/** Tells a pull request what a run has made: a row of its one comment. What fails of that is a notice. */
export async function tellPullRequest(
  { record, previous }: Pick<BuildOutcome, 'record' | 'previous'>,
  settings: BuildSettings,
  pull: PullRequest,
  host: Host,
  test: Partial<Waiting> = {},
): Promise<void> {
  if (host.signal?.aborted) return;
  const { told, isChanged } = describeForComment(record, previous);
  const row: CommentRow = { ...identityOf(settings, record.flake, host), ...told };
  const mayBegin = settings.comment === 'true' || isChanged;
  const { clock, signal } = host;
  // the merge tries again, with what it then reads
  const options = { patience: patience.github, retries: { attempts: 1, restart: 0 } };
  try {
    const write = async (http: HttpClient) => {
      const comments = await githubComments(pull, githubApi(host.env), http);
      await putRow(row, comments, mayBegin, { clock, signal, ...test });
    };
    await naming('the comment on the pull request', host, () => withHttp(host, write, options));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, details } = error;
    const next = details.next === undefined ? '' : ` ${details.next}`;
    notice(host, `The comment on pull request ${pull.number} was not written: ${message}${next}`);
  }
}

/** What tells a job's row from those of others, by what is known of a run that has failed at once, too. */
function identityOf(
  { flake = '', image = '' }: BuildSettings,
  built: string,
  { env, clock }: Host,
): Pick<CommentRow, 'key' | 'image' | 'version'> {
  const { RUNNER_ARCH: machine = '' } = env;
  const number = (text: string | undefined) => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : 0);
  // a flake of another place may be named with its commit
  const source = flake.replaceAll(/[0-9a-f]{40}/g, '');
  const suffix = machine === '' || machine === 'X64' ? '' : ` (${machine})`;
  return {
    key: digestOf(Buffer.from(JSON.stringify([source, image, machine]))),
    image: `${withoutLogin(built || flake || '.')}${suffix}`.slice(0, limits.commentText),
    version: [number(env.GITHUB_RUN_ID), number(env.GITHUB_RUN_ATTEMPT), clock()],
  };
}
