import type { PageData } from '../report/page-data.ts';
import { formatSeconds } from '../report/units.ts';

/** A bar of a lane; seconds from the run's start. */
export interface ShownBar {
  /** "building torch-2.9.0 · 41 s" */
  text: string;
  place: string;
  /** Index of its colour. */
  kind: number;
  start: number;
  seconds: number;
}

/** One line of the time line. */
export interface Lane {
  bars: readonly ShownBar[];
  /** Of a lane that stands for a whole layer: "layer3-pytorch · 12 min 03 s". */
  label?: string;
  /** The layer's number. */
  row: number;
  isCritical: boolean;
  /** From its first to its last bar. */
  from: number;
  to: number;
}

/** Lanes of one layer that are drawn. */
const mostLanes = 60;

/** A lane for each layer with all that was done for it, or the lanes of one of them. */
export function lanesShown({ rows, bars }: PageData, chosen: number | undefined): Lane[] {
  const ofRow = Map.groupBy(
    bars.name.map((_, at) => at),
    at => bars.row[at] ?? 0,
  );
  const bar = (at: number): ShownBar => ({
    text: `${bars.name[at]} · ${formatSeconds(bars.seconds[at] ?? 0)}`,
    place: bars.place[at] ?? '',
    kind: bars.kind[at] ?? 0,
    start: bars.start[at] ?? 0,
    seconds: bars.seconds[at] ?? 0,
  });
  if (chosen !== undefined) {
    const lanes = Map.groupBy(ofRow.get(chosen) ?? [], at => bars.lane[at] ?? 0);
    const all = [...lanes].sort(([one], [other]) => one - other).slice(0, mostLanes);
    return all.map(([, of]) => laneOf(of.map(bar), chosen, false));
  }
  return rows.flatMap(({ name, seconds, isCritical }, row) => {
    const of = ofRow.get(row);
    if (of === undefined) return [];
    const lane = laneOf(of.map(bar), row, isCritical);
    const time = row === 0 ? '' : ` · ${formatSeconds(seconds)}`;
    return [{ ...lane, label: `${name}${time}` }];
  });
}

function laneOf(bars: readonly ShownBar[], row: number, isCritical: boolean): Lane {
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const { start, seconds } of bars) {
    from = Math.min(from, start);
    to = Math.max(to, start + seconds);
  }
  // what is short lies over what is long
  return { bars: bars.toSorted((a, b) => b.seconds - a.seconds), row, isCritical, from, to };
}
