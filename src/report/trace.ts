import type { BuildRecord, Span } from '../record/types.ts';
import { packLanes } from './lanes.ts';
import { runTitle } from './sentence.ts';
import { spanName, spansByLayer } from './spans.ts';

/** An event of Chrome's trace event format: a stretch of time ("X"), or a name ("M"). Times are microseconds. */
interface TraceEvent {
  ph: 'X' | 'M';
  name: string;
  /** A layer, and in it a lane. */
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
  cat?: string;
  args: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The run in Chrome's trace event format, as JSON: a process for the run and for each layer, with as many
 * threads as things went on in it at the same time. Perfetto and chrome://tracing open it.
 */
export function traceText(record: BuildRecord): string {
  const traceEvents = spansByLayer(record).flatMap(([layer, spans], pid) => [
    named('process_name', layer ?? 'run', pid),
    { ...named('process_sort_index', '', pid), args: { sort_index: pid } },
    ...lanesOf(spans, pid),
  ]);
  const { program, startedAt, nix } = record;
  const otherData = { title: runTitle(record), program, startedAt, nix: nix.version };
  return `${JSON.stringify({ traceEvents, displayTimeUnit: 'ms', otherData })}\n`;
}

const named = (name: string, text: string, pid: number, tid = 0): TraceEvent => ({
  ph: 'M',
  name,
  pid,
  tid,
  args: { name: text },
});

function lanesOf(spans: readonly Span[], pid: number): TraceEvent[] {
  const lanes = packLanes(spans);
  return spans.map((span, at) => stretch(span, pid, lanes[at] ?? 0));
}

function stretch(span: Span, pid: number, tid: number): TraceEvent {
  const { kind, layer: _, start, seconds, ...args } = span;
  return {
    ...{ ph: 'X', name: spanName(span), cat: kind, pid, tid },
    ...{ ts: Math.round(start * 1e6), dur: Math.round(seconds * 1e6) },
    args,
  };
}
