import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { Failure } from '../../../src/host/failure.ts';
import { naming, within } from '../../../src/host/wait.ts';

/** Time passes when a test says so. */
function still() {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const events: ProgressEvent[] = [];
  const said = () => events.map(event => ('message' in event ? event.message : event.type));
  return { waiter: { emit: (event: ProgressEvent) => events.push(event), clock: () => 0 }, said };
}

test.afterEach(() => mock.timers.reset());

const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('it broke, since it was ended'))),
  );

test('what is waited for is named each half a minute, until it is there', async () => {
  const { waiter, said } = still();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = naming('a server', waiter, () => promise);
  mock.timers.tick(29_999);
  assert.deepEqual(said(), []);
  mock.timers.tick(120_001);
  assert.deepEqual(said().slice(0, 1), ['Waiting for a server: 30 s so far.']);
  assert.equal(said().at(-1), 'Waiting for a server: 2.5 min so far.');
  resolve('there');
  assert.equal(await waiting, 'there');
  mock.timers.tick(60_000);
  assert.equal(said().length, 5);
});

test('work that does not end is ended; the failure says what was waited for, and for how long', async () => {
  const { waiter } = still();
  const limit = { what: 'a server', ms: 600_000, next: 'Ask its owner.' };
  const waiting = within(limit, waiter, never);
  mock.timers.tick(600_000);
  await assert.rejects(waiting, (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.message, 'Waited 10 min for a server, in vain.');
    assert.equal(error.details.next, 'Ask its owner.');
    return true;
  });
});

test('a sign of life begins the limit anew', async () => {
  const { waiter } = still();
  let ended = false;
  const waiting = within({ what: 'a server', ms: 1000 }, waiter, async (signal, alive) => {
    signal.addEventListener('abort', () => {
      ended = true;
    });
    for (let second = 0; second < 5; second++) {
      mock.timers.tick(900);
      alive();
    }
    return 'there';
  });
  assert.equal(await waiting, 'there');
  assert.equal(ended, false);
});

test('an interrupt is the reason, and not the limit', async () => {
  const { waiter } = still();
  const reason = new Failure('The run was interrupted.');
  const controller = new AbortController();
  const signal = controller.signal;
  const waiting = within({ what: 'a server', ms: 1000 }, { ...waiter, signal }, never);
  controller.abort(reason);
  mock.timers.tick(2000);
  await assert.rejects(waiting, error => error === reason);
});
