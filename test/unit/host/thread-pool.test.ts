import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useAllCores } from '../../../src/host/thread-pool.ts';

test('the pool grows with the cores, and never beyond what the user has set', () => {
  const sizes = [2, 4, 16, 256].map(cores => {
    const env: Record<string, string | undefined> = {};
    useAllCores(env, cores);
    return env.UV_THREADPOOL_SIZE;
  });
  assert.deepEqual(sizes, [undefined, undefined, '16', '64']);
  const env = { UV_THREADPOOL_SIZE: '2' };
  useAllCores(env, 16);
  assert.equal(env.UV_THREADPOOL_SIZE, '2');
});
