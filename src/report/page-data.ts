import type { BuildRecord, Span } from '../record/types.ts';
import { packLanes } from './lanes.ts';
import { layerWork } from './layer-work.ts';
import { spanName, spansByLayer } from './spans.ts';

/** How a bar is painted. */
export const barKinds = ['build', 'fetch', 'pack', 'send', 'other', 'failed'] as const;

/** What a page's program needs to draw. Times are seconds from the run's start. */
export interface PageData {
  seconds: number;
  /** Rows of the time line: the run itself, then each layer for which something was done. */
  rows: readonly Row[];
  bars: Bars;
  /** The last runs, the oldest first; the last of them is this one. */
  history: readonly PastRun[];
}

/** What was done for a layer, or for none. */
interface Row {
  name: string;
  /** Seconds in which something was done, pauses left out. */
  seconds: number;
  /** How many things went on at the same time at most: each has a lane. */
  lanes: number;
  isCritical: boolean;
}

/** Bars by columns, since there may be many thousands: the nth of each belong together. */
interface Bars {
  name: readonly string[];
  /** Index of its row. */
  row: readonly number[];
  lane: readonly number[];
  /** Index in {@link barKinds}. */
  kind: readonly number[];
  start: readonly number[];
  seconds: readonly number[];
  /** The builder or the cache; empty: this machine. */
  place: readonly string[];
}

/** A run as the chart shows it. */
interface PastRun {
  /** RFC 3339. */
  startedAt: string;
  seconds: number;
  sentBytes: number;
  outcome: BuildRecord['outcome'];
}

/**
 * What the page of a run draws.
 * @param earlier runs of the same image, newest first
 */
export function pageData(record: BuildRecord, earlier: readonly BuildRecord[]): PageData {
  const critical = new Set(
    layerWork(record)
      .filter(({ isCritical }) => isCritical)
      .map(({ layer }) => layer.name),
  );
  const times = new Map(record.layers.map(({ name, seconds }) => [name, seconds]));
  const laid = spansByLayer(record).map(([name, spans]) => {
    return { name, spans, lanes: packLanes(spans) };
  });
  return {
    seconds: rounded(record.seconds),
    rows: laid.map(({ name, lanes }) => ({
      name: name ?? 'the run',
      seconds: rounded(name === undefined ? record.seconds : (times.get(name) ?? 0)),
      lanes: lanes.reduce((most, lane) => Math.max(most, lane + 1), 0),
      isCritical: name !== undefined && critical.has(name),
    })),
    bars: columns(
      laid.flatMap(({ spans, lanes }, row) =>
        spans.map((span, at) => ({ span, row, lane: lanes[at] ?? 0 })),
      ),
    ),
    history: [record, ...earlier].map(pastRun).reverse(),
  };
}

function columns(all: readonly { span: Span; row: number; lane: number }[]): Bars {
  return {
    name: all.map(({ span }) => spanName(span)),
    row: all.map(({ row }) => row),
    lane: all.map(({ lane }) => lane),
    kind: all.map(({ span }) => barKinds.indexOf(barKind(span))),
    start: all.map(({ span }) => rounded(span.start)),
    seconds: all.map(({ span }) => rounded(span.seconds)),
    place: all.map(({ span }) => span.machine ?? span.cache ?? ''),
  };
}

function barKind({ kind, ended }: Span): (typeof barKinds)[number] {
  if (ended === 'failed') return 'failed';
  if (kind === 'build') return kind;
  if (kind === 'substitute' || kind === 'restore' || kind === 'inputs') return 'fetch';
  if (kind === 'pack' || kind === 'compress') return 'pack';
  return kind === 'upload' || kind === 'cache-push' ? 'send' : 'other';
}

const pastRun = ({ startedAt, seconds, sentBytes, outcome }: BuildRecord): PastRun => ({
  startedAt,
  seconds: rounded(seconds),
  sentBytes,
  outcome,
});

/** To milliseconds. */
const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;
