import type { BuildRecord } from '../record/types.ts';
import type { Stretch } from './lanes.ts';
import { layerWork } from './layer-work.ts';
import { formatSeconds } from './units.ts';

/** Bars that the picture has at most: nobody reads more. */
const mostBars = 40;

/** A bar of the picture. */
interface Bar extends Stretch {
  name: string;
  /** Seconds that its text says: without pauses. */
  time: number;
  isCritical: boolean;
}

/**
 * The run as a Mermaid gantt, a bar for each layer that was worked on, without its fence; undefined where
 * there is nothing to show. The bars have no sections: their names would run into them.
 */
export function ganttMermaid(record: BuildRecord): string | undefined {
  const works = layerWork(record).map(({ layer: { name, seconds: time }, ...work }) => {
    return { ...work, name, time };
  });
  if (works.length === 0) return undefined;
  const around = [...before(works), ...after(works, record.seconds)];
  const layers = longest(works, mostBars - around.length);
  const bars = [...layers, ...around].sort((one, other) => one.start - other.start);
  return [
    'gantt',
    '  dateFormat YYYY-MM-DD HH:mm:ss.SSS',
    `  axisFormat ${record.seconds < 3600 ? '%M:%S' : '%H:%M'}`,
    '  todayMarker off',
    ...bars.map(line),
  ].join('\n');
}

/** The longest, in their order. */
function longest(bars: readonly Bar[], most: number): readonly Bar[] {
  if (bars.length <= most) return bars;
  const kept = bars.toSorted((one, other) => other.seconds - one.seconds).slice(0, most);
  return bars.filter(bar => kept.includes(bar));
}

/** The share of a run from which on what lies before and after the layers gets a bar. */
const worthABar = 0.05;

/** What lies before the first layer: Nix, the evaluation, what the registry holds. */
function before(bars: readonly Bar[]): Bar[] {
  const start = Math.min(...bars.map(bar => bar.start));
  const end = Math.max(...bars.map(bar => bar.start + bar.seconds));
  if (start < worthABar * end) return [];
  return [{ name: 'before the layers', start: 0, seconds: start, time: start, isCritical: true }];
}

/** What lies after the last: manifest, tags, memory, caches. */
function after(bars: readonly Bar[], seconds: number): Bar[] {
  const end = Math.max(...bars.map(bar => bar.start + bar.seconds));
  const left = seconds - end;
  if (left < worthABar * seconds) return [];
  return [{ name: 'after the layers', start: end, seconds: left, time: left, isCritical: true }];
}

function line({ name, start, seconds, time, isCritical }: Bar, at: number): string {
  const mark = isCritical ? 'crit, ' : '';
  const duration = `${Math.max(1, Math.round(seconds * 1000))}ms`;
  return `  ${plain(name)} · ${formatSeconds(time)} :${mark}b${at}, ${moment(start)}, ${duration}`;
}

/** Words with which a line is no bar. */
const keyword =
  /^(?:acc|axisFormat|click|dateFormat|excludes|gantt|includes|inclusive|section|tick|title|today|topAxis|vert|week)/i;

/** Text that means nothing to Mermaid, nor to a fence. */
function plain(name: string): string {
  const harmless = name.replace(/[^\p{L}\p{N} ._+@/()-]/gu, '_').slice(0, 60);
  return keyword.test(harmless) ? `_${harmless}` : harmless;
}

/**
 * A moment of the run as a time of day: the reader's browser takes it for its own, and shows it as such,
 * wherever that is.
 */
function moment(seconds: number): string {
  return new Date(Date.UTC(2000, 0, 1) + Math.round(seconds * 1000))
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');
}
