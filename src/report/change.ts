import type { Comparison } from '../record/compare.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** How a number differs from last time: "▲ 12 s", "▼ 1.20 GB", "as before", "new"; empty where nothing is known. */
export function changeText(
  change: Comparison['seconds'] | undefined,
  format: (value: number) => string,
): string {
  if (change === undefined) return '';
  const { before, now, asBefore } = change;
  if (before === undefined) return 'new';
  if (asBefore) return 'as before';
  return `${now > before ? '▲' : '▼'} ${format(Math.abs(now - before))}`;
}

/** A layer's time and size against last time; empty where it was not made, or not compared. */
export const layerChanges = (
  layer: Comparison['layers'][number] | undefined,
): [time: string, size: string] => [
  // a layer that was never made before has no size either, which says so
  layer?.making?.before === undefined ? '' : changeText(layer.making, formatSeconds),
  changeText(layer?.size, formatBytes),
];
