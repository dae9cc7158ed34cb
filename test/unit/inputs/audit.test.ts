import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubContext, type RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseAudit } from '../../../src/inputs/verbs/audit.ts';

const raw: RawInputs = {
  'nix-conf': 'netrc-file = /n',
  'access-tokens': 'git.example=hunter2',
  'github-token': 'job-token',
};

function job(head: string): RunContext {
  const env = { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REPOSITORY: 'o/comfy' };
  const payload = { pull_request: { head: { repo: { full_name: head } } } };
  const github = githubContext(env, payload);
  return { face: 'action', currentDirectory: '/work', temporaryDirectory: '/private', github };
}

test('an audit has the lines and tokens of a build for private inputs, in its own folder', () => {
  const { conf, tokenRefusal, temporaryDirectory } = parseAudit(raw, job('o/comfy'));
  assert.deepEqual(conf, {
    lines: ['netrc-file = /n'],
    accessTokens: [{ host: 'git.example', token: 'hunter2' }],
    jobToken: 'job-token',
    trustedUsers: [],
    place: 'run',
  });
  assert.deepEqual([tokenRefusal, temporaryDirectory], [undefined, '/private']);
});

test('an audit of code from a fork has no token, and says so', () => {
  const { conf, tokenRefusal } = parseAudit(raw, job('other/comfy'));
  assert.deepEqual([conf.accessTokens, conf.jobToken], [[], undefined]);
  assert.equal(tokenRefusal, 'No token is used: the code comes from other/comfy.');
});
