import type { TextGuard } from '../host/foreign-text.ts';
import { type Activity, isDone, type LayerProgress, type Progress } from '../record/progress.ts';
import { describeActivity, phaseNames } from '../report/activity.ts';
import { formatBytes, formatSeconds } from '../report/units.ts';

/** What a frame has to fit into, and through. */
export interface Screen {
  columns: number;
  rows: number;
  guard: Pick<TextGuard, 'line'>;
}

/**
 * The live view at one moment: the phase, a line for each layer that is not done yet, the last line
 * of the oldest build. No line is longer than `columns`, and there are fewer of them than `rows`.
 */
export function frame(progress: Progress, now: number, { columns, rows, guard }: Screen): string[] {
  const open = [...progress.layers.values()].filter(layer => !isDone(layer));
  const width = Math.max(0, ...open.map(layer => layer.name.length));
  const lines = open.map(layer => layerLine(layer, width, progress, now));
  const most = Math.max(1, rows - 4);
  const hidden = lines.length - most;
  return [
    headline(progress, now),
    ...lines.slice(0, most),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
    ...lastLogLine(progress),
  ].map(line => fit(guard.line(line), columns));
}

function headline({ startedAt, phases, layers, download }: Progress, now: number): string {
  const phase = phases.at(-1);
  const all = [...layers.values()];
  const done = all.filter(isDone).length;
  return [
    phase === undefined ? 'Working' : phaseNames[phase],
    formatSeconds(Math.floor((now - startedAt) / 1000)),
    ...(all.length > 0 ? [`${done} of ${all.length} layers`] : []),
    ...(download.expected > 0
      ? [`downloaded ${formatBytes(download.done)} of ${formatBytes(download.expected)}`]
      : []),
  ].join(' · ');
}

function layerLine(layer: LayerProgress, width: number, progress: Progress, now: number): string {
  const running = [...progress.activities.values()].filter(each => each.layer === layer.name);
  return `  ${layer.name.padEnd(width)}  ${layerState(layer, running, now)}`;
}

/** The activity that moves bytes is told first, since it has news; else the oldest. */
function layerState(layer: LayerProgress, running: readonly Activity[], now: number): string {
  const first = running.find(each => each.kind === 'transfer') ?? running[0];
  if (first === undefined) return layer.origin ?? 'waiting';
  const more = running.length > 1 ? ` (+${running.length - 1})` : '';
  const since = formatSeconds(Math.floor((now - first.startedAt) / 1000));
  return `${describeActivity(first)}${more}  ${since}`;
}

function lastLogLine(progress: Progress): string[] {
  const lines = [...progress.activities.values()].flatMap(each =>
    each.kind === 'build' && each.line !== '' ? [each.line] : [],
  );
  const [line] = lines;
  return line === undefined ? [] : [`  > ${line}`];
}

function fit(line: string, columns: number): string {
  const plain = line.replaceAll('\t', ' ');
  return plain.length < columns ? plain : `${plain.slice(0, columns - 2)}…`;
}
