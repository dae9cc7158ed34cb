import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { traceText } from '../../../src/report/trace.ts';
import { sampleRecord } from '../record/sample.ts';

/** What the "Trace Event Format" asks of the two kinds of events that are written. */
const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const microseconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const complete = v.object({
  ph: v.literal('X'),
  name: v.string(),
  cat: v.string(),
  pid: id,
  tid: id,
  ts: microseconds,
  dur: microseconds,
  args: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
});
const metadata = v.variant('name', [
  v.object({
    ph: v.literal('M'),
    name: v.literal('process_name'),
    pid: id,
    tid: id,
    args: v.object({ name: v.string() }),
  }),
  v.object({
    ph: v.literal('M'),
    name: v.literal('process_sort_index'),
    pid: id,
    tid: id,
    args: v.object({ sort_index: v.number() }),
  }),
]);
const format = v.object({
  traceEvents: v.array(v.union([complete, metadata])),
  displayTimeUnit: v.picklist(['ms', 'ns']),
  otherData: v.record(v.string(), v.string()),
});

const parsed = (record = sampleRecord()) => v.parse(format, JSON.parse(traceText(record)));

test('a trace is in the format that Perfetto and others read: a process for each layer', () => {
  const { traceEvents, otherData } = parsed();
  const names = traceEvents.flatMap(event => (event.name === 'process_name' ? [event.args] : []));
  assert.deepEqual(names, [{ name: 'run' }, { name: 'layer3-pytorch' }]);
  assert.equal(otherData.title, '.#comfyui in 1 min 15 s');
  const build = traceEvents.find(event => event.name === 'building torch-2.9.0');
  assert.ok(build && 'dur' in build);
  const { ts, dur, pid, cat } = build;
  assert.deepEqual({ ts, dur, pid, cat }, { ts: 500_000, dur: 61_500_000, pid: 1, cat: 'build' });
});

test('what goes on at the same time is in threads of its own, where nothing overlaps', () => {
  const at = (start: number, seconds: number) =>
    ({ kind: 'build', layer: 'layer3-pytorch', detail: 'x', start, seconds }) as const;
  const { traceEvents } = parsed(sampleRecord({ spans: [at(0, 5), at(1, 2), at(3, 4), at(5, 1)] }));
  const threads = traceEvents.flatMap(event => ('dur' in event ? [event.tid] : []));
  assert.deepEqual(threads, [0, 1, 1, 0]);
});

test('work of a layer that the image has not is in the trace as well', () => {
  const { traceEvents } = parsed(
    sampleRecord({ spans: [{ kind: 'wait', layer: 'gone', start: 0, seconds: 1 }] }),
  );
  assert.ok(traceEvents.some(({ args }) => 'name' in args && args.name === 'gone'));
});
