// One comment on a pull request, whatever its jobs do at the same time: with GitHub's own library, against a
// server of this machine.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { githubComments } from '../../../src/commands/build/comment/github.ts';
import { putRow } from '../../../src/commands/build/comment/merge.ts';
import { Failure } from '../../../src/host/failure.ts';
import { openHttp } from '../../../src/host/http/client.ts';
import { retries } from '../../../src/host/limits.ts';
import { type CommentRow, commentMarkdown, rowsIn } from '../../../src/report/comment.ts';
import { type GitHubApi, startGitHubApi } from '../../tools/github-api.ts';
import { quietHost } from '../../tools/host.ts';
import { type MadeTime, madeTime, seeded } from '../../tools/made-time.ts';

const bot = 'github-actions[bot]';
const issue = 'o/n#7';

function row(image: string, changes: Partial<CommentRow> = {}): CommentRow {
  return {
    ...{ key: image, image, version: [1, 1, 0], sentence: `${image} was built` },
    ...{ size: '', packages: [], allPackages: 0, layers: [], allLayers: 0 },
    ...changes,
  };
}

/** A server, and jobs that put rows into its comments by a clock that costs no time. */
async function bench(t: TestContext, time: MadeTime = madeTime()) {
  const api = await startGitHubApi();
  t.after(() => api.stop());
  const job = async (
    given: CommentRow,
    { mayBegin = true, random = () => 0 }: { mayBegin?: boolean; random?: () => number } = {},
  ) => {
    const host = quietHost({ clock: time.now });
    const http = openHttp(host, { retries: { attempts: 1, restart: 0 } });
    try {
      const pull = { repository: 'o/n', number: 7, token: 'secret' };
      const comments = await githubComments(pull, api.url, http);
      await putRow(given, comments, mayBegin, { clock: time.now, sleep: time.sleep, random });
    } finally {
      http.close();
    }
  };
  const put = (...given: Parameters<typeof job>) => time.run([() => job(...given)]);
  return { api, time, job, put };
}

const images = ({ comments }: GitHubApi) =>
  comments.map(({ body }) => rowsIn(body)?.map(({ image }) => image));
const written = ({ requests }: GitHubApi) =>
  requests.filter(({ method, path }) => method !== 'GET' && path !== '/graphql').length;
const add = (api: GitHubApi, body: string, login = bot, of = issue) => {
  const id = api.comments.length + 1;
  api.comments.push({ id, issue: of, body, user: { login } });
};

test('a job makes the comment, and the next one brings it up to date', async t => {
  const { api, put } = await bench(t);
  await put(row('cuda12'));
  await put(row('cuda13'));
  await put(row('cuda12', { version: [2, 1, 0], sentence: 'as before' }));
  assert.deepEqual(images(api), [['cuda12', 'cuda13']]);
  assert.match(api.comments[0]?.body ?? '', /as before/);
  assert.ok(api.requests.every(({ headers }) => headers.authorization === 'token secret'));
});

test('what is there is not written again, and a newer row is not overwritten by an older one', async t => {
  const { api, put } = await bench(t);
  await put(row('a', { version: [2, 1, 0], sentence: 'of the newer run' }));
  const before = written(api);
  await put(row('a', { version: [2, 1, 0], sentence: 'of the newer run' }));
  await put(row('a', { version: [1, 9, 9], sentence: 'of the older run' }));
  assert.equal(written(api), before);
  assert.match(api.comments[0]?.body ?? '', /of the newer run/);
});

test('a job with nothing to tell begins no comment, and brings one that is there up to date', async t => {
  const { api, put } = await bench(t);
  await put(row('a'), { mayBegin: false });
  assert.equal(written(api), 0);
  await put(row('b'));
  await put(row('a'), { mayBegin: false });
  assert.deepEqual(images(api), [['a', 'b']]);
});

test('the comment is found behind hundreds of others, and on no other pull request', async t => {
  const { api, put } = await bench(t);
  add(api, commentMarkdown([row('of another')]), bot, 'o/n#8');
  for (let at = 0; at < 250; at += 1) add(api, `comment ${at}`, 'somebody');
  await put(row('a'));
  await put(row('b'));
  assert.deepEqual(images(api).at(0), ['of another']);
  assert.deepEqual(images(api).at(-1), ['a', 'b']);
  assert.equal(api.comments.length, 252);
});

test('a comment of somebody else with the same marker is left alone', async t => {
  const { api, put } = await bench(t);
  const quoted = commentMarkdown([row('quoted')]);
  add(api, quoted, 'somebody');
  await put(row('a'));
  assert.deepEqual(images(api), [['quoted'], ['a']]);
  assert.equal(api.comments[0]?.body, quoted);
});

test('with a token of a person, and where GitHub does not say whose it is', async t => {
  for (const viewer of ['a-person', undefined]) {
    const { api, put } = await bench(t);
    api.viewer = viewer;
    await put(row('a'));
    await put(row('b'));
    assert.deepEqual(images(api), [['a', 'b']]);
  }
});

test('of several comments the oldest stays, with the rows of all', async t => {
  const { api, put } = await bench(t);
  for (const image of ['a', 'b', 'c']) add(api, commentMarkdown([row(image)]));
  await put(row('d'));
  assert.deepEqual(images(api), [['a', 'b', 'c', 'd']]);
  assert.equal(api.comments[0]?.id, 1);
});

test('a comment whose hidden rows somebody has broken begins anew', async t => {
  const { api, put } = await bench(t);
  add(api, commentMarkdown([row('a')]).replace(/rows \S+/, 'rows %%%'));
  await put(row('b'));
  assert.deepEqual(images(api), [['b']]);
});

test('a comment that is deleted meanwhile is made again', async t => {
  const { api, put } = await bench(t);
  add(api, commentMarkdown([row('a')]));
  let deleted = false;
  api.meanwhile = async (at, method) => {
    if (at !== 'arrival' || method !== 'PATCH' || deleted) return;
    deleted = true;
    api.comments.length = 0;
  };
  await put(row('b'));
  assert.deepEqual(images(api), [['a', 'b']]);
});

test('what another job puts back is written again', async t => {
  const { api, put } = await bench(t);
  const old = commentMarkdown([row('a')]);
  add(api, old);
  let times = 0;
  api.meanwhile = async (at, method) => {
    if (at !== 'return' || method !== 'PATCH' || times === 3) return;
    times += 1;
    for (const comment of api.comments) comment.body = old;
  };
  await put(row('b'));
  assert.deepEqual([images(api), times], [[['a', 'b']], 3]);
});

test('a job that has read before and writes a while after takes no row away', async t => {
  const { api, time, job } = await bench(t);
  const old = commentMarkdown([row('a')]);
  add(api, old);
  const late = async () => {
    await time.sleep(1500);
    for (const comment of api.comments) comment.body = old;
  };
  await time.run([() => job(row('b')), late]);
  assert.deepEqual(images(api), [['a', 'b']]);
});

test('without the permission the failure names it', async t => {
  const { api, put } = await bench(t);
  api.mayComment = false;
  await assert.rejects(put(row('a')), error => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /403: Resource not accessible by integration/);
    assert.match(error.details.next ?? '', /pull-requests: write/);
    return true;
  });
  assert.equal(written(api), 1);
});

test("GitHub's limits are waited for, also where the write was done", async t => {
  const { api, put, time } = await bench(t);
  const message = 'You have exceeded a secondary rate limit.';
  api.writeFaults = [
    { status: 403, headers: { 'retry-after': '60' }, message },
    { status: 403, message },
    { status: 502, message: 'Bad Gateway', done: true },
  ];
  await put(row('a'));
  assert.deepEqual(images(api), [['a']]);
  assert.ok(time.now() > 120_000 && time.now() < 150_000, String(time.now()));
});

test('a limit that lasts is not waited for', async t => {
  const { api, put, time } = await bench(t);
  const reset = String(retries.comment.longestAsked / 1000 + 3600);
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
  api.writeFaults = [{ status: 403, headers, message: 'API rate limit exceeded' }];
  await assert.rejects(put(row('a')), /GitHub answers no more requests until 1970-01-01T01/);
  assert.equal(time.now(), 0);
});

test('a server that is always at fault is given up in a minute or so', async t => {
  const { api, put, time } = await bench(t);
  const fault = { status: 500, message: 'oops' };
  api.writeFaults = Array.from({ length: 100 }, () => fault);
  await assert.rejects(put(row('a')), /GitHub answered 500/);
  assert.ok(time.now() < 90_000, String(time.now()));
});

/** Each request takes its time to come and to be answered; one of ten up to three seconds. */
const slowly = (time: MadeTime, random: () => number) => () =>
  time.sleep((random() < 0.1 ? 3_000 : 500) * random());

for (const jobs of [3, 6]) {
  test(`${jobs} jobs that end at once have one comment with ${jobs} rows`, async t => {
    const time = madeTime();
    const { api, job } = await bench(t, time);
    const names = Array.from({ length: jobs }, (_, at) => `image${at}`);
    for (let seed = 1; seed <= 120 / jobs; seed += 1) {
      const random = seeded(seed);
      api.meanwhile = slowly(time, random);
      api.comments.length = 0;
      await time.run(
        names.map(name => async () => {
          await time.sleep(2000 * random());
          await job(row(name), { random });
        }),
      );
      assert.deepEqual(images(api), [names], `seed ${seed}`);
    }
  });
}
