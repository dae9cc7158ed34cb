import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GitHubContext, githubContext, type RunContext } from '../../../src/inputs/context.ts';
import { parsePrefetch } from '../../../src/inputs/verbs/prefetch.ts';
import { describeChanges, describeLock, markdownChanges } from '../../../src/report/prefetch.ts';
import type { Change } from '../../../src/wheels/changes.ts';
import type { WheelPin } from '../../../src/wheels/lock.ts';

const terminal: RunContext = {
  face: 'command-line',
  currentDirectory: '/somewhere',
  temporaryDirectory: '/private',
};

test('the inputs, with their defaults', () => {
  assert.deepEqual(parsePrefetch({}, terminal), {
    wheelsFile: '/somewhere/wheels.toml',
    lockFile: '/somewhere/wheels.lock.json',
    verify: false,
    unpacked: false,
    check: false,
    githubToken: undefined,
    temporaryDirectory: '/private',
  });
  const raw = {
    wheels: 'a/w.toml',
    lock: '/l',
    verify: 'true',
    unpacked: 'true',
    check: 'true',
    'github-token': 't',
  };
  assert.deepEqual(parsePrefetch(raw, terminal), {
    wheelsFile: '/somewhere/a/w.toml',
    lockFile: '/l',
    verify: true,
    unpacked: true,
    check: true,
    githubToken: 't',
    temporaryDirectory: '/private',
  });
});

test('its files are meant from the working directory', () => {
  const raw = { 'working-directory': 'flakes/comfy', lock: '../locks/w.json' };
  const { wheelsFile, lockFile } = parsePrefetch(raw, terminal);
  assert.deepEqual(
    [wheelsFile, lockFile],
    ['/somewhere/flakes/comfy/wheels.toml', '/somewhere/flakes/locks/w.json'],
  );
});

test('code from a fork gets no token', () => {
  const env = { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REPOSITORY: 'o/comfy' };
  const payload = { pull_request: { head: { repo: { full_name: 'other/comfy' } } } };
  const github: GitHubContext = githubContext(env, payload);
  const context: RunContext = { ...terminal, face: 'action', github };
  assert.equal(parsePrefetch({ 'github-token': 't' }, context).githubToken, undefined);
});

const pin: WheelPin = {
  version: '2.10.0+cu130',
  url: 'https://index.example/torch.whl',
  hash: 'sha256-a',
  size: 1,
  source: 'https://index.example',
  digest: 'index',
};

function change(
  before: Partial<WheelPin> | undefined,
  after: Partial<WheelPin> | undefined,
): Change {
  const variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };
  return {
    kind: 'wheel',
    variant,
    name: 'torch',
    before: before && { ...pin, ...before },
    after: after && { ...pin, ...after },
  };
}

test('changes in words', () => {
  const cases: [Change, string][] = [
    [change(undefined, {}), 'added, 2.10.0'],
    [change({}, undefined), 'removed'],
    [change({}, { version: '2.11.0+cu130' }), '2.10.0 → 2.11.0'],
    [change({}, { version: '2.10.0+cu13' }), '2.10.0+cu130 → 2.10.0+cu13'],
    [change({}, { source: 'https://other.example' }), 'from https://other.example now'],
    [change({}, { hash: 'sha256-b' }), 'another file, torch.whl'],
    [
      change({ digest: 'unconfirmed', hash: 'sha256-b' }, {}),
      'the hash, which nobody had confirmed, was wrong',
    ],
    [change({}, { url: 'https://b.example/torch.whl' }), 'the same file at another address'],
    [change({ digest: 'unconfirmed' }, {}), 'digest unconfirmed → index'],
    [change({ size: null }, {}), 'more is known of it'],
    [change({}, { unpacked: 'sha256-c' }), 'the hash of its tree is known'],
  ];
  for (const [each, expected] of cases) {
    assert.deepEqual(describeChanges([each]), [`torch: ${expected} (cu130 cp312)`]);
  }
});

test('the same change in several variants is told once, and their systems where they differ', () => {
  const first = change(undefined, {});
  const second = change(undefined, {});
  assert.ok(second.kind === 'wheel');
  second.variant = { system: 'aarch64-linux', cuda: 'cu130', python: '3.13' };
  assert.equal(
    markdownChanges([first, second]),
    '- `torch`: added, 2.10.0 (cu130 cp312 x86\\_64-linux, cu130 cp313 aarch64-linux)',
  );
  assert.equal(markdownChanges([]), '');
});

test('one sentence on the lock', () => {
  const wheels = { 'x86_64-linux': { cu130: { cp312: { torch: pin } } } };
  const spent = { requests: 3, bytes: 1234, seconds: 0.52 };
  assert.equal(
    describeLock({ version: 1, wheels, sources: {} }, [], spent),
    'The lock has 1 wheel, nothing changed (3 requests, 1.23 kB, 0.5 s).',
  );
});
