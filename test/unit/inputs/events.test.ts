import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type DescribedRun,
  events,
  judgeRun,
  readTrustedEvents,
} from '../../../src/inputs/events.ts';

/** In short: "own" code, the same as a "pull" request of this repository, or "foreign" code. */
function verdict(run: Partial<DescribedRun>, trusted: readonly string[] = []): string {
  const { fork, pullRequest, unknownEvent } = judgeRun(
    { event: 'push', repository: 'Org/comfy', ref: 'refs/heads/main', payload: {}, ...run },
    trusted,
  );
  if (unknownEvent !== undefined) return `unknown ${unknownEvent}`;
  if (fork !== undefined) return 'foreign';
  return pullRequest ? 'pull' : 'own';
}

const pull = (full_name: string | null) => ({
  pull_request: { head: { repo: full_name === null ? null : { full_name } } },
});

const caused = (event: string, full_name = 'Org/comfy', head_branch = 'main') => ({
  workflow_run: { event, head_branch, head_repository: { full_name } },
});

test('what only writers of the repository can start runs on its own code', () => {
  const names = Object.entries(events).filter(([, origin]) => origin === 'repository');
  assert.deepEqual(names.map(([name]) => name).sort(), [
    'create',
    'push',
    'release',
    'repository_dispatch',
    'schedule',
    'workflow_call',
    'workflow_dispatch',
  ]);
  for (const [event] of names) assert.equal(verdict({ event, payload: undefined }), 'own', event);
  assert.equal(verdict({ event: 'push', ref: 'refs/tags/v1' }), 'own');
});

test('the head repository decides of a pull request, in whatever case it is written', () => {
  for (const event of [
    'pull_request',
    'pull_request_target',
    'pull_request_review',
    'pull_request_review_comment',
  ]) {
    const ref = 'refs/pull/7/merge';
    assert.equal(verdict({ event, ref, payload: pull('org/Comfy') }), 'pull', event);
    assert.equal(verdict({ event, ref, payload: pull('other/comfy') }), 'foreign', event);
    assert.equal(verdict({ event, ref, payload: pull(null) }), 'foreign', event);
    assert.equal(verdict({ event, ref, payload: undefined }), 'foreign', event);
  }
});

test('a merge queue has pull requests of others in it, by whatever event it is seen', () => {
  const ref = 'refs/heads/gh-readonly-queue/main/pr-7-0123';
  assert.equal(verdict({ event: 'merge_group', ref }), 'foreign');
  assert.equal(verdict({ event: 'push', ref }), 'foreign');
  assert.equal(verdict({ event: 'create', ref }), 'foreign');
  const branch = ref.replace('refs/heads/', '');
  const payload = caused('push', 'Org/comfy', branch);
  assert.equal(verdict({ event: 'workflow_run', payload }), 'foreign');
  assert.equal(verdict({ event: 'workflow_run', payload: caused('merge_group') }), 'foreign');
  assert.equal(verdict({ event: 'push', ref }, ['merge_group']), 'own');
});

test('a comment on a pull request says nothing of its code; one on an issue has none', () => {
  const event = 'issue_comment';
  assert.equal(verdict({ event, payload: { issue: { pull_request: { url: 'x' } } } }), 'foreign');
  assert.equal(verdict({ event, payload: { issue: { number: 1 } } }), 'own');
  assert.equal(verdict({ event, payload: {} }), 'foreign');
});

test('a run after a run is of its code', () => {
  const event = 'workflow_run';
  assert.equal(verdict({ event, payload: caused('push') }), 'own');
  assert.equal(verdict({ event, payload: caused('schedule') }), 'own');
  assert.equal(verdict({ event, payload: caused('pull_request') }), 'pull');
  assert.equal(verdict({ event, payload: caused('pull_request', 'other/comfy') }), 'foreign');
  assert.equal(verdict({ event, payload: caused('push', 'other/comfy') }), 'foreign');
  assert.equal(verdict({ event, payload: caused('workflow_run') }), 'foreign');
  assert.equal(verdict({ event, payload: caused('issue_comment') }), 'foreign');
  assert.equal(verdict({ event, payload: caused('deployment') }), 'unknown deployment');
  assert.equal(verdict({ event, payload: { workflow_run: null } }), 'foreign');
});

test('a pull request that any other event runs on is foreign', () => {
  assert.equal(verdict({ event: 'workflow_dispatch', ref: 'refs/pull/7/head' }), 'foreign');
});

test('an unknown event writes nothing until it is trusted', () => {
  for (const event of ['deployment', 'check_suite', '', 'constructor', '__proto__']) {
    assert.equal(verdict({ event }), `unknown ${event}`);
  }
  assert.equal(verdict({ event: 'deployment' }, ['deployment']), 'own');
});

test('trust is for events whose code cannot be told, and never for code of a fork', () => {
  assert.equal(verdict({ event: 'merge_group' }, ['merge_group']), 'own');
  const comment = { event: 'issue_comment', payload: { issue: { pull_request: {} } } };
  assert.equal(verdict(comment, ['issue_comment']), 'own');
  const run = (cause: string, head?: string) =>
    verdict({ event: 'workflow_run', payload: caused(cause, head) }, ['workflow_run']);
  assert.equal(run('workflow_run'), 'own');
  assert.equal(run('push', 'other/comfy'), 'foreign');
  assert.equal(run('pull_request'), 'pull');
  const trusted = ['pull_request_target'];
  const fork = { event: 'pull_request_target', payload: pull('other/comfy') };
  assert.equal(verdict(fork, trusted), 'foreign');
  assert.throws(() => readTrustedEvents(trusted), /says where its code comes from/);
  assert.throws(() => readTrustedEvents(['merge group']), /expected an event's name/);
  assert.deepEqual(readTrustedEvents(['merge_group', 'deployment']), ['merge_group', 'deployment']);
});

test('docs/events.md has a row for every event', () => {
  const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]*) \| ([a-z]+) \|/gm)];
  const told = rows.flatMap(([, names = '', origin = '']) =>
    [...names.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => [name, origin]),
  );
  assert.deepEqual(Object.fromEntries(told), { ...events });
});
