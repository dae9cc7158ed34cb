import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { tellPullRequest } from '../../../src/commands/build/comment/tell.ts';
import { githubContext, type RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { rowsIn } from '../../../src/report/comment.ts';
import { startGitHubApi } from '../../tools/github-api.ts';
import { quietHost } from '../../tools/host.ts';
import { sampleRecord } from '../record/sample.ts';

/** A job of a pull request from this repository, or from another one. */
function job(head = 'o/n', event = 'pull_request'): RunContext {
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REPOSITORY: 'o/n' };
  const pull_request = { number: 7, head: { repo: { full_name: head } } };
  const payload = event.startsWith('pull_request') ? { pull_request } : {};
  return {
    face: 'action',
    currentDirectory: '/work',
    temporaryDirectory: '/private',
    github: githubContext(env, payload),
  };
}

const read = (raw: RawInputs, context: RunContext) =>
  parseBuild({ image: 'ghcr.io/o/n', flake: '.#x', 'github-token': 'secret', ...raw }, context);

async function bench(t: TestContext, root = '') {
  const api = await startGitHubApi();
  t.after(() => api.stop());
  const tell = async (
    record: BuildRecord,
    {
      raw = {},
      env = {},
      previous,
    }: { raw?: RawInputs; env?: object; previous?: BuildRecord } = {},
  ) => {
    const settings = read(raw, job());
    const host = quietHost({ env: { GITHUB_API_URL: `${api.url}${root}`, ...env } });
    assert.ok(settings.pull);
    const outcome = { record, ...(previous ? { previous } : {}) };
    const sleep = async () => undefined;
    await tellPullRequest(outcome, settings, settings.pull, host, { sleep });
    return host.events.flatMap(event => (event.type === 'notice' ? [event.message] : []));
  };
  const rows = () => api.comments.map(({ body }) => rowsIn(body)?.map(({ image }) => image));
  return { api, tell, rows };
}

test('by itself it begins a comment where the image has changed, and only there', async t => {
  const { tell, rows } = await bench(t);
  const same = { previous: sampleRecord() };
  assert.deepEqual(await tell(sampleRecord(), same), []);
  assert.deepEqual(rows(), []);
  await tell(sampleRecord({ outcome: 'failure', failure: 'no' }));
  assert.deepEqual(rows(), []);
  await tell(sampleRecord());
  assert.deepEqual(rows(), [['.#comfyui']]);
});

test('a comment that is there is brought up to date by what has not changed, or failed', async t => {
  const { api, tell } = await bench(t);
  await tell(sampleRecord());
  const env = { GITHUB_RUN_ID: '5' };
  await tell(sampleRecord({ outcome: 'failure', failure: 'no' }), { env });
  assert.match(api.comments[0]?.body ?? '', /Failed after/);
  const previous = sampleRecord();
  await tell(sampleRecord(), { env: { GITHUB_RUN_ID: '6' }, previous });
  assert.doesNotMatch(api.comments[0]?.body ?? '', /Failed after/);
  assert.equal(api.comments.length, 1);
});

test('with comment: true it is begun in any case', async t => {
  const { tell, rows } = await bench(t);
  await tell(sampleRecord(), { raw: { comment: 'true' }, previous: sampleRecord() });
  assert.deepEqual(rows(), [['.#comfyui']]);
});

test('jobs have rows of their own by flake, image and kind of machine, whatever commit it is', async t => {
  const { tell, rows } = await bench(t);
  await tell(sampleRecord({ flake: '.#a' }), { raw: { flake: '.#a' } });
  await tell(sampleRecord({ flake: '.#b' }), { raw: { flake: '.#b' } });
  const env = { RUNNER_ARCH: 'ARM64', GITHUB_RUN_ID: '5' };
  await tell(sampleRecord({ flake: '.#b' }), { raw: { flake: '.#b' }, env });
  for (const [at, digit] of ['c', 'd'].entries()) {
    const flake = `github:o/n/${digit.repeat(40)}#x`;
    await tell(sampleRecord({ flake }), { raw: { flake }, env: { GITHUB_RUN_ID: String(6 + at) } });
  }
  const last = `github:o/n/${'d'.repeat(40)}#x`;
  assert.deepEqual(rows(), [['.#a', '.#b', '.#b (ARM64)', last]]);
});

test('no login in the address of a flake gets into it', async t => {
  const { api, tell } = await bench(t);
  const flake = 'git+https://me:hunter2@git.example/o/n#x';
  await tell(sampleRecord({ flake }), { raw: { flake } });
  const [comment] = api.comments;
  assert.deepEqual(rowsIn(comment?.body ?? '')?.[0]?.image, 'git+https://git.example/o/n#x');
});

test("on a company's own server its API is asked, and no other", async t => {
  const { api, tell, rows } = await bench(t, '/api/v3');
  await tell(sampleRecord());
  assert.deepEqual(rows(), [['.#comfyui']]);
  assert.ok(api.requests.every(({ path }) => /^\/api\/(v3\/repos|graphql)/.test(path)));
});

test('without the permission it is a notice that names it', async t => {
  const { api, tell } = await bench(t);
  api.mayComment = false;
  const [notice = '', ...more] = await tell(sampleRecord());
  assert.match(notice, /^The comment on pull request 7 was not written: .*pull-requests: write/);
  assert.deepEqual(more, []);
});

test('a GitHub that is not reached is a notice', async t => {
  const { api, tell } = await bench(t);
  await api.stop();
  const said = await tell(sampleRecord());
  assert.match(said.join(), /The comment on pull request 7 was not written: The connection/);
});

test('code from a fork, other events, and jobs without a token tell no pull request', () => {
  assert.ok(read({}, job()).pull);
  assert.ok(read({}, job('o/n', 'pull_request_target')).pull);
  assert.equal(read({}, job('someone/n')).pull, undefined);
  assert.equal(read({ comment: 'true' }, job('someone/n', 'pull_request_target')).pull, undefined);
  assert.equal(read({ comment: 'true' }, job('o/n', 'push')).pull, undefined);
  assert.equal(read({ 'github-token': '' }, job()).pull, undefined);
});
