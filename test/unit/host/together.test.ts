import assert from 'node:assert/strict';
import { test } from 'node:test';
import { together } from '../../../src/host/together.ts';
import { quietHost } from '../../tools/host.ts';

/** Work that ends with its host's signal, and some time after that. */
function endless(signal: AbortSignal | undefined, ended: string[], name: string): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () =>
      setImmediate(() => {
        ended.push(name);
        reject(new Error(`${name} was ended`));
      }),
    );
  });
}

test('all parts are waited for, those too that nobody asks', async () => {
  let done = false;
  const value = await together(quietHost(), async ({ add }) => {
    void add(
      new Promise<void>(resolve =>
        setImmediate(() => {
          done = true;
          resolve();
        }),
      ),
    );
    return 'whole';
  });
  assert.deepEqual([value, done], ['whole', true]);
});

test('the first that fails ends the others, and is what is told once they have ended', async () => {
  const ended: string[] = [];
  const failing = together(quietHost(), async ({ host, add }) => {
    void add(endless(host.signal, ended, 'one'));
    void add(Promise.reject(new Error('the reason')));
    return endless(host.signal, ended, 'whole');
  });
  await assert.rejects(failing, /^Error: the reason$/);
  assert.deepEqual(ended.sort(), ['one', 'whole']);
});

test('what a part begins while the group ends is waited for, too', async () => {
  const late = Promise.withResolvers<void>();
  let hasEnded = false;
  const failing = together(quietHost(), async ({ host, add }) => {
    const part = endless(host.signal, [], 'one').catch(() => add(late.promise));
    void add(part);
    throw new Error('the reason');
  }).finally(() => {
    hasEnded = true;
  });
  failing.catch(() => undefined);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  late.resolve();
  await assert.rejects(failing, /the reason/);
});

test("the caller's signal ends all parts with its reason", async () => {
  const interrupt = new AbortController();
  const ended: string[] = [];
  const host = quietHost({ signal: interrupt.signal });
  const failing = together(host, async ({ host: own, add }) => {
    void add(endless(own.signal, ended, 'one'));
    interrupt.abort(new Error('Ctrl-C'));
    own.signal?.throwIfAborted();
  });
  await assert.rejects(failing, /Ctrl-C/);
  assert.deepEqual(ended, ['one']);
});

test('a part that nobody waits for may fail while others still run', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const failing = together(quietHost(), async ({ host, add }) => {
    await Promise.resolve(); // the group waits by now
    void add(Promise.reject(new Error('the reason')));
    return endless(host.signal, [], 'whole');
  });
  await assert.rejects(failing, /the reason/);
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
});
