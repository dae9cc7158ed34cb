import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellNixTime } from '../../../src/commands/build/nix-events/nix-time.ts';
import type { NixEvent } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

const begin = (drvPath: string, at: number): NixEvent => {
  return { type: 'build-start', drvPath, machine: '', at };
};
const end = (drvPath: string, at: number): NixEvent => {
  return { type: 'build-end', drvPath, failed: false, at };
};
const fetched = (path: string, from: number, to: number): NixEvent[] => [
  { type: 'substitute-start', path, cache: 'c', at: from },
  { type: 'substitute-end', path, at: to },
];

/** From when to when Nix was idle, of a process that runs from 0 to 100. */
function idle(events: readonly NixEvent[]) {
  let now = 0;
  const host = quietHost({ clock: () => now });
  const time = tellNixTime(host);
  for (const event of events) time.take(event);
  now = 100;
  time.end();
  return host.events.map(event => event.type === 'span' && [event.startedAt, event.at]);
}

test('Nix is idle before, between and after what it builds and fetches', () => {
  const events = [
    begin('a', 10),
    ...fetched('p', 15, 30),
    end('a', 20),
    begin('b', 40),
    end('b', 50),
  ];
  assert.deepEqual(idle(events), [
    [0, 10],
    [30, 40],
    [50, 100],
  ]);
  assert.deepEqual(idle([]), [[0, 100]]);
});

test('the end of a build may become known when the next one has begun', () => {
  assert.deepEqual(idle([begin('a', 10), begin('b', 40), end('a', 30), end('b', 60)]), [
    [0, 10],
    [30, 40],
    [60, 100],
  ]);
});

test('what still runs at the end is no idle time', () => {
  assert.deepEqual(idle([begin('a', 10)]), [[0, 10]]);
});
