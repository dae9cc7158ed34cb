import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { collectSpans } from '../../../src/record/spans.ts';
import { unnamedSeconds } from '../../tools/unnamed-seconds.ts';

function collect(events: readonly ProgressEvent[], now: number, most?: number) {
  const collector = collectSpans(1000, most);
  for (const event of events) collector.take(event);
  return collector.result(now);
}

const built = (derivation: string, from: number, to: number, failed = false): ProgressEvent[] => [
  { type: 'build-start', derivation, machine: '', layer: 'l', at: from },
  { type: 'build-end', derivation, failed, layer: 'l', at: to },
];

test('builds, substitutions and phases of one kind of work are spans, the earliest first', () => {
  const { spans, spansLeftOut } = collect(
    [
      { type: 'phase-start', phase: 'evaluate', at: 1000 },
      { type: 'phase-end', phase: 'evaluate', at: 1400 },
      { type: 'phase-start', phase: 'realise', at: 1400 },
      { type: 'build-start', derivation: '/a.drv', machine: 'ssh://b', layer: 'l', at: 2500 },
      { type: 'build-start', derivation: '/a.drv', machine: '', layer: 'l', at: 2600 },
      { type: 'substitute-start', path: '/p', cache: 'https://one', at: 1500 },
      { type: 'substitute-end', path: '/p', at: 1600 },
      { type: 'substitute-start', path: '/p', cache: 'https://two', at: 1600 },
      { type: 'substitute-end', path: '/p', narSize: 9, at: 1800 },
      { type: 'build-end', derivation: '/a.drv', failed: true, layer: 'l', at: 3000 },
    ],
    4000,
  );
  const substituted = { kind: 'substitute', detail: '/p' };
  assert.deepEqual(spans, [
    { kind: 'evaluate', start: 0, seconds: 0.4 },
    { ...substituted, cache: 'https://one', ended: 'failed', start: 0.5, seconds: 0.1 },
    { ...substituted, cache: 'https://two', bytes: 9, start: 0.6, seconds: 0.2 },
    {
      ...{ kind: 'build', detail: '/a.drv', layer: 'l', machine: 'ssh://b' },
      ...{ ended: 'failed', start: 1.5, seconds: 0.5 },
    },
  ]);
  assert.equal(spansLeftOut, undefined);
});

test('what is under way is cancelled in the record, and goes on all the same', () => {
  const collector = collectSpans(1000);
  collector.take({ type: 'build-start', derivation: '/a.drv', machine: '', at: 1500 });
  const under = { kind: 'build', detail: '/a.drv', start: 0.5 };
  assert.deepEqual(collector.result(2000).spans, [{ ...under, ended: 'cancelled', seconds: 0.5 }]);
  collector.take({ type: 'build-end', derivation: '/a.drv', failed: false, at: 3000 });
  assert.deepEqual(collector.result(4000).spans, [{ ...under, seconds: 1.5 }]);
});

test('work that took no time is no span, unless it failed', () => {
  const span = { type: 'span', kind: 'store', startedAt: 1500, at: 1500 } as const;
  const told = collect([span, { ...span, kind: 'tag', detail: 'x', ended: 'failed' }], 2000).spans;
  assert.deepEqual(told, [{ kind: 'tag', detail: 'x', ended: 'failed', start: 0.5, seconds: 0 }]);
});

test('of too many spans the longest stay, and those that failed', () => {
  const events = Array.from({ length: 100 }, (_, at) =>
    built(`/${at}.drv`, 2000 + at, 2000 + 2 * at, at === 1),
  );
  const { spans, spansLeftOut } = collect(events.flat(), 9000, 3);
  assert.deepEqual(
    spans.map(({ detail }) => detail),
    ['/1.drv', '/98.drv', '/99.drv'],
  );
  const all = (99 * 100) / 2;
  assert.deepEqual(spansLeftOut, { count: 97, seconds: (all - 1 - 98 - 99) / 1000 });
});

test('the time that no span names is what lies under none', () => {
  const span = (start: number, seconds: number) => ({ kind: 'build', start, seconds }) as const;
  const named = (...spans: ReturnType<typeof span>[]) => unnamedSeconds({ seconds: 10, spans });
  assert.equal(named(), 10);
  assert.equal(named(span(4, 3), span(1, 2), span(2, 3)), 1 + 3);
  assert.equal(named(span(0, 20)), 0);
});
