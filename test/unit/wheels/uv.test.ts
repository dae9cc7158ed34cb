import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSettings } from '../../../src/wheels/resolve/uv.ts';

test('uv gets no setting of the machine that would choose other versions', () => {
  const settings = ['TORCH_BACKEND', 'EXCLUDE_NEWER', 'INDEX_URL', 'DEFAULT_INDEX', 'CONSTRAINT'];
  const ways = ['CACHE_DIR', 'HTTP_TIMEOUT', 'INDEX_MINE_PASSWORD', 'SYSTEM_CERTS'];
  const env = Object.fromEntries([...settings, ...ways].map(name => [`UV_${name}`, 'x']));
  assert.deepEqual(withoutSettings({ ...env, PATH: '/bin' }), {
    ...Object.fromEntries(settings.map(name => [`UV_${name}`, undefined])),
    UV_NO_CONFIG: '1',
  });
});
