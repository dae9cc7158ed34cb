import type { Comparison } from '../record/compare.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { changeText, layerChanges } from './change.ts';
import { layerSums, storedSize } from './layers.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** What tables say of a layer: its time and size, each with its change, and what was sent. */
export function layerCells(
  layer: LayerRecord,
  change: Comparison['layers'][number] | undefined,
): string[] {
  const [time, bytes] = layerChanges(change);
  const { size, sent } = layerSums(layer);
  return [
    layer.seconds === 0 ? '–' : formatSeconds(layer.seconds),
    time,
    layer.blobs.length === 0 ? '–' : formatBytes(size),
    bytes,
    formatBytes(sent),
  ];
}

/** The same of the whole run. */
export function totalCells(record: BuildRecord, comparison: Comparison | undefined): string[] {
  const size = storedSize(record);
  return [
    formatSeconds(record.seconds),
    changeText(comparison?.seconds, formatSeconds),
    size === 0 ? '–' : formatBytes(size),
    changeText(comparison?.size, formatBytes),
    formatBytes(record.sentBytes),
  ];
}
