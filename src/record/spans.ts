import type { Phase, ProgressEvent, SpanKind } from '../host/events.ts';
import type { Span } from './types.ts';

/** What took time in a run, the earliest first, and what was left out of it. */
export interface CollectedSpans {
  spans: Span[];
  spansLeftOut?: { count: number; seconds: number };
}

/** Collects what took time; in bounded memory, whatever the run does. */
export interface SpanCollector {
  take(event: ProgressEvent): void;
  /** What still runs at `now` (ms since the epoch) is cancelled there. */
  result(now: number): CollectedSpans;
}

/** Spans of a record; more would make it larger than what it tells of is worth. */
const mostSpans = 5000;

/** Phases that are work of one kind; the others only hold what is told of by itself. */
const phaseKinds: Partial<Record<Phase, SpanKind>> = {
  install: 'set-up',
  evaluate: 'evaluate',
  remember: 'memory-read',
};

interface Timed extends Omit<Span, 'start' | 'seconds'> {
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
}

type Open = Omit<Timed, 'endedAt'>;

/** Collects the spans of a run that started at `startedAt` (ms since the epoch). */
export function collectSpans(startedAt: number, most = mostSpans): SpanCollector {
  const running = new Map<string, Open>();
  const longest = keepLongest(most);

  const begin = (key: string, span: Open) => {
    const known = running.get(key);
    // a remote build shows twice: with its machine, and once more without
    running.set(key, known ? { ...span, ...known } : span);
  };
  const end = (key: string, at: number, more: Partial<Timed> = {}) => {
    const span = running.get(key);
    if (span === undefined) return;
    running.delete(key);
    longest.add({ ...span, ...more, endedAt: at });
  };

  const take = (event: ProgressEvent): void => {
    const begun = beginningOf(event);
    if (begun) begin(begun.key, begun.span);
    const ended = endingOf(event);
    if (ended) end(ended.key, event.at, ended.more);
    if (event.type === 'span' && tookTime(event)) longest.add(whole(event));
  };

  const result = (now: number): CollectedSpans => {
    const all = keepLongest(most, longest);
    for (const span of running.values()) all.add({ ...span, ended: 'cancelled', endedAt: now });
    const { spans, leftOut } = all.result();
    return {
      spans: spans
        .map(span => placed(span, startedAt))
        .sort((one, other) => one.start - other.start),
      ...(leftOut.count > 0
        ? { spansLeftOut: { count: leftOut.count, seconds: seconds(leftOut.ms) } }
        : {}),
    };
  };
  return { take, result };
}

/** The span that an event begins, and what it is known by. */
function beginningOf(event: ProgressEvent): { key: string; span: Open } | undefined {
  const startedAt = event.at;
  switch (event.type) {
    case 'phase-start': {
      const kind = phaseKinds[event.phase];
      return kind && { key: event.phase, span: { kind, startedAt } };
    }
    case 'build-start': {
      const { derivation: detail, machine } = event;
      const on = machine === '' ? {} : { machine };
      return { key: detail, span: { kind: 'build', detail, ...ofLayer(event), ...on, startedAt } };
    }
    case 'substitute-start': {
      const { path: detail, cache } = event;
      return {
        key: detail,
        span: { kind: 'substitute', detail, cache, ...ofLayer(event), startedAt },
      };
    }
    default:
      return undefined;
  }
}

/** What the span that an event ends is known by, and what is known of it by then. */
function endingOf(event: ProgressEvent): { key: string; more?: Partial<Timed> } | undefined {
  switch (event.type) {
    case 'phase-end':
      return { key: event.phase };
    case 'build-end':
      return { key: event.derivation, more: event.failed ? { ended: 'failed' } : {} };
    case 'substitute-end': {
      const { path: key, narSize: bytes } = event;
      return { key, more: bytes === undefined ? { ended: 'failed' } : { bytes } };
    }
    default:
      return undefined;
  }
}

/** Work that was done at once is no span, unless it was done badly. */
const tookTime = ({ startedAt, at, ended }: WholeSpan) => at > startedAt || ended !== undefined;

type WholeSpan = Extract<ProgressEvent, { type: 'span' }>;

/** The span that an event tells of as a whole. */
function whole(event: WholeSpan): Timed {
  const { type: _, at: endedAt, busy, ...span } = event;
  return {
    ...span,
    ...(busy === undefined ? {} : { busySeconds: seconds(busy) }),
    endedAt,
  };
}

const ofLayer = ({ layer }: { layer?: string }) => (layer === undefined ? {} : { layer });

function placed({ startedAt: from, endedAt: to, ...span }: Timed, startedAt: number): Span {
  return { ...span, start: seconds(from - startedAt), seconds: seconds(to - from) };
}

interface Kept {
  spans: Timed[];
  leftOut: { count: number; ms: number };
}

/** Keeps the longest of what is added: what failed counts as longer than all that did not. */
function keepLongest(most: number, from?: { result(): Kept }) {
  const begun = from?.result() ?? { spans: [], leftOut: { count: 0, ms: 0 } };
  let spans = [...begun.spans];
  const leftOut = { ...begun.leftOut };
  const trim = () => {
    if (spans.length <= most) return;
    spans.sort((one, other) => weight(other) - weight(one));
    for (const span of spans.slice(most)) {
      leftOut.count += 1;
      leftOut.ms += lengthOf(span);
    }
    spans = spans.slice(0, most);
  };
  return {
    add(span: Timed) {
      spans.push(span);
      if (spans.length >= 2 * most) trim();
    },
    result(): Kept {
      trim();
      return { spans, leftOut };
    },
  };
}

const lengthOf = ({ startedAt, endedAt }: Timed) => Math.max(0, endedAt - startedAt);

const weight = (span: Timed) =>
  span.ended === 'failed' ? Number.POSITIVE_INFINITY : lengthOf(span);

/** Seconds with milliseconds kept; a clock that was set back counts as no time. */
export function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds)) / 1000;
}
