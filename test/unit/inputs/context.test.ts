import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubContext, readGitHubContext } from '../../../src/inputs/context.ts';

test('the source is the address on the server that runs the workflow', () => {
  const env = {
    GITHUB_EVENT_NAME: 'push',
    GITHUB_REPOSITORY: 'Org/comfy',
    GITHUB_SHA: 'abc',
    GITHUB_SERVER_URL: 'https://git.example',
  };
  const github = githubContext(env, undefined);
  assert.equal(github.source, 'https://git.example/Org/comfy');
  assert.equal(github.revision, 'abc');
  assert.equal(github.fork, undefined);
});

test('outside GitHub Actions there is no context', async () => {
  assert.equal(await readGitHubContext({ GITHUB_REPOSITORY: 'Org/comfy' }, {}), undefined);
});

test('a payload that cannot be read says nothing of its code', async () => {
  const env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: 'pull_request',
    GITHUB_REPOSITORY: 'Org/comfy',
    GITHUB_EVENT_PATH: '/nonexistent',
  };
  const github = await readGitHubContext(env, {});
  assert.equal(github?.fork, 'an unknown or deleted repository');
});

test('a run is compared with the base of its pull request, else with the default branch', () => {
  const payload = { repository: { default_branch: 'main' } };
  const of = (base: string | undefined, given: unknown) =>
    githubContext({ GITHUB_BASE_REF: base }, given).compareWith;
  assert.deepEqual(of('release', payload), ['release', 'main']);
  assert.deepEqual(of('main', payload), ['main']);
  assert.deepEqual(of('', payload), ['main']);
  assert.deepEqual(of(undefined, { repository: {} }), []);
});
