import { type Activity, isDone, type LayerProgress, type Progress } from '../record/progress.ts';
import { describeActivity, describeCounts, phaseNames } from '../report/activity.ts';
import { formatSeconds, storeName } from '../report/units.ts';
import type { Piece } from './paint.ts';

/** A line of a frame, which is cut to the terminal's width where it is drawn. */
type Line = readonly Piece[];

/** A layer of which more is to come, and what runs for it. */
interface OpenLayer extends LayerProgress {
  running: readonly Activity[];
}

/**
 * The live view at one moment: how far the run is, a line for each layer that is not done yet, those
 * that work before those that wait, and what a builder said last. It has fewer lines than `rows`.
 */
export function frame(
  progress: Progress,
  now: number,
  { columns, rows }: { columns: number; rows: number },
): Line[] {
  const head = headlines(progress, now, columns).slice(0, Math.max(1, Math.floor(rows / 3)));
  const log = rows > 4 ? lastLogLine(progress) : [];
  const open = openLayers(progress);
  // in a window that has them, the last rows of what scrolls by stay in sight
  const free = rows < 20 ? 1 : 4;
  const room = Math.max(1, rows - free - head.length - log.length);
  const shown = open.length <= room ? open : open.slice(0, Math.max(1, room - 1));
  const hidden = room > 1 ? open.slice(shown.length) : [];
  const longest = Math.max(0, ...open.map(({ name }) => name.length));
  const width = Math.min(longest, Math.floor(columns * 0.4));
  return [
    ...head,
    ...shown.map(layer => layerLine(layer, width, now)),
    ...(hidden.length > 0 ? [hiddenLine(hidden)] : []),
    ...log,
  ];
}

/** Phase, time and counts, in as many lines as the width asks for. */
function headlines(progress: Progress, now: number, columns: number): Line[] {
  const { startedAt, phases, layers } = progress;
  const phase = phases.at(-1);
  const all = [...layers.values()];
  const parts = [
    phase === undefined ? 'Working' : phaseNames[phase],
    formatSeconds(Math.floor((now - startedAt) / 1000)),
    ...(all.length > 0 ? [`${all.filter(isDone).length} of ${all.length} layers`] : []),
    ...describeCounts(progress, now),
  ];
  return wrapped(parts, columns).map((text, at) => [at === 0 ? { text, look: 'bold' } : { text }]);
}

/** Parts in lines that are shorter than `columns`, where no single part is as long. */
function wrapped(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const joined = last === undefined ? part : `${last} · ${part}`;
    if (last !== undefined && joined.length >= columns) lines.push(`  ${part}`);
    else lines[Math.max(0, lines.length - 1)] = joined;
  }
  return lines;
}

/** Layers that work, then those whose target is there, then those that wait; each kind in order. */
function openLayers({ layers, activities }: Progress): OpenLayer[] {
  const running = Map.groupBy(activities.values(), ({ layer }) => layer);
  const rank = (layer: OpenLayer) =>
    layer.running.length > 0 ? 0 : layer.origin === undefined ? 2 : 1;
  return [...layers.values()]
    .filter(layer => !isDone(layer))
    .map(layer => ({ ...layer, running: running.get(layer.name) ?? [] }))
    .sort((a, b) => rank(a) - rank(b));
}

function layerLine(layer: OpenLayer, width: number, now: number): Line {
  const name = layer.name.length <= width ? layer.name : `${layer.name.slice(0, width - 1)}…`;
  const works = layer.running.length > 0;
  return [
    { text: `  ${name.padEnd(width)}  `, look: works ? 'cyan' : 'dim' },
    works ? { text: layerState(layer, now) } : { text: layer.origin ?? 'waiting', look: 'dim' },
  ];
}

/** The activity that moves bytes is told first, since it has news; else the oldest. */
function layerState({ running }: OpenLayer, now: number): string {
  const first = running.find(each => each.kind === 'transfer') ?? running[0];
  if (first === undefined) return '';
  const more = running.length > 1 ? ` (+${running.length - 1})` : '';
  const since = formatSeconds(Math.floor((now - first.startedAt) / 1000));
  return `${describeActivity(first, now)}${more}  ${since}`;
}

function hiddenLine(hidden: readonly OpenLayer[]): Line {
  const all = hidden.every(({ running }) => running.length === 0);
  return [{ text: `  and ${hidden.length} more${all ? ' that wait' : ''}`, look: 'dim' }];
}

/** The line that was said last, of the builds that run. */
function lastLogLine({ activities }: Progress): Line[] {
  const speaking = [...activities.values()].filter(
    each => each.kind === 'build' && each.line !== '',
  ) as Extract<Activity, { kind: 'build' }>[];
  const [latest] = speaking.sort((a, b) => b.heardAt - a.heardAt);
  if (latest === undefined) return [];
  return [[{ text: `  ${storeName(latest.derivation)}> ${latest.line}`, look: 'dim' }]];
}
