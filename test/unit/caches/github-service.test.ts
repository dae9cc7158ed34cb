import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasGithubCache } from '../../../src/caches/github/runner.ts';
import { problemIn } from '../../../src/caches/github/service.ts';

test('why a key could not be reserved is in a debug line', () => {
  const lines = [
    '::debug::Reserving Cache',
    '::debug::Failed to reserve cache: Error: Failed to CreateCacheEntry: Rate limited%0Amore',
    'Failed to save: Unable to reserve cache with key k, another job may be creating this cache.',
  ];
  assert.equal(problemIn(lines), 'Failed to CreateCacheEntry: Rate limited');
});

test('a warning or an error is the problem, without what introduces it', () => {
  assert.equal(problemIn(['::warning::Failed to restore: 50%25 off']), '50% off');
  assert.equal(problemIn(['::error title=x::Failed to save: broken']), 'broken');
  assert.equal(problemIn(['Cache hit for: key', '::debug::fine', '']), undefined);
});

test('no signature of an address is told', () => {
  const line = '::warning::Failed to save: PUT https://blob.example/c/1?sv=1&sig=s3cret failed';
  assert.equal(problemIn([line]), 'PUT https://blob.example/c/1 failed');
});

test('the cache is there when the runner gives an address and a token', () => {
  const token = { ACTIONS_RUNTIME_TOKEN: 'x' };
  const results = { ACTIONS_RESULTS_URL: 'http://127.0.0.1/' };
  assert.equal(hasGithubCache({ ...token, ...results, ACTIONS_CACHE_SERVICE_V2: 'true' }), true);
  assert.equal(hasGithubCache({ ...results, ACTIONS_CACHE_SERVICE_V2: 'true' }), false);
  assert.equal(hasGithubCache({ ...token, ...results }), false);
  assert.equal(hasGithubCache({ ...token, ACTIONS_CACHE_URL: 'http://127.0.0.1/' }), true);
  assert.equal(hasGithubCache({}), false);
});
