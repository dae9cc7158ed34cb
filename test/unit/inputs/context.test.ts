import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubContext, readGitHubContext } from '../../../src/inputs/context.ts';

const env = { GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'Org/comfy', GITHUB_SHA: 'abc' };

function forkOf(event: string, payload: unknown): string | undefined {
  return githubContext({ ...env, GITHUB_EVENT_NAME: event }, payload).fork;
}

const pull = (name: string | null) => ({
  pull_request: { head: { repo: name === null ? null : { full_name: name } } },
});

test('code of this repository is no fork, in whatever case its name is written', () => {
  assert.equal(forkOf('push', {}), undefined);
  assert.equal(forkOf('schedule', undefined), undefined);
  assert.equal(forkOf('pull_request', pull('org/Comfy')), undefined);
  assert.equal(
    forkOf('workflow_run', { workflow_run: { head_repository: { full_name: 'Org/comfy' } } }),
    undefined,
  );
});

test('the head repository decides, also where the workflow runs with secrets', () => {
  assert.equal(forkOf('pull_request', pull('other/comfy')), 'other/comfy');
  assert.equal(forkOf('pull_request_target', pull('other/comfy')), 'other/comfy');
  assert.equal(
    forkOf('workflow_run', { workflow_run: { head_repository: { full_name: 'other/comfy' } } }),
    'other/comfy',
  );
});

test('a head repository that is not known is taken for a fork', () => {
  assert.equal(forkOf('pull_request', pull(null)), 'an unknown or deleted repository');
  assert.equal(forkOf('pull_request_target', undefined), 'an unknown or deleted repository');
  assert.equal(forkOf('workflow_run', []), 'an unknown or deleted repository');
});

test('the source is the address on the server that runs the workflow', () => {
  const github = githubContext({ ...env, GITHUB_SERVER_URL: 'https://git.example' }, undefined);
  assert.equal(github.source, 'https://git.example/Org/comfy');
  assert.equal(github.revision, 'abc');
});

test('outside GitHub Actions there is no context', async () => {
  assert.equal(await readGitHubContext({ GITHUB_REPOSITORY: 'Org/comfy' }), undefined);
});

test('a workflow_run that a pull request has caused counts as one', () => {
  const env = { GITHUB_EVENT_NAME: 'workflow_run', GITHUB_REPOSITORY: 'o/comfy' };
  const caused = (event: string) =>
    githubContext(env, { workflow_run: { event, head_repository: { full_name: 'o/comfy' } } });
  assert.deepEqual(
    [caused('pull_request').pullRequest, caused('push').pullRequest, caused('push').fork],
    [true, false, undefined],
  );
});
