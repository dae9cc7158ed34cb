import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timedPresence } from '../../../src/commands/build/timed-presence.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { quietHost } from '../../tools/host.ts';

test('it is told how long the registry takes to say what it has, and to mount it', async () => {
  let now = 1000;
  const host = quietHost({ clock: () => now });
  const asked: unknown[] = [];
  const slow = {
    ...layoutStore('/nowhere', host),
    hasBlob: async (...about: unknown[]) => {
      asked.push(about);
      now += 70;
      return true;
    },
    mountBlob: async (...about: unknown[]) => {
      asked.push(about);
      throw new Error('refused');
    },
  };
  const store = timedPresence(slow, host);
  assert.equal(await store.hasBlob('sha256:1', 5), true);
  await assert.rejects(store.mountBlob('sha256:2', 'o/other'));
  assert.deepEqual(asked, [
    ['sha256:1', 5],
    ['sha256:2', 'o/other'],
  ]);
  const of = { type: 'span', kind: 'presence' };
  assert.deepEqual(host.events, [
    { ...of, detail: 'sha256:1', startedAt: 1000, at: 1070 },
    { ...of, detail: 'sha256:2', ended: 'failed', startedAt: 1070, at: 1070 },
  ]);
});
