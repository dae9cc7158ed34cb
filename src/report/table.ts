import type { BuildRecord } from '../record/types.ts';
import { auditSentence, findingCounts } from './audit.ts';
import { imageReference, layerOrigin, layerSums, pullNote, storedSize } from './layers.ts';
import { cacheRows, diskLine, machinesLine } from './places.ts';
import { runSentence, runTitle, wouldPushSentence } from './sentence.ts';
import { formatBytes, formatSeconds } from './units.ts';

const heading = ['layer', 'origin', 'time', 'size', 'sent'];

/** What a run has come to, as plain text: what happened, and below it the table of layers. */
export function runResult(record: BuildRecord): string {
  const wouldPush = wouldPushSentence(record);
  const lines = [runTitle(record), runSentence(record), ...(wouldPush ? [wouldPush] : [])];
  return [...lines, '', layerTable(record)].join('\n');
}

/**
 * The run as plain text: a table of layers with totals, what caches and the disk did, and the image's
 * name; no final newline.
 */
export function layerTable(record: BuildRecord): string {
  const rows = record.layers.map(layer => {
    const { size, sent } = layerSums(layer);
    return [
      layer.name,
      layerOrigin(layer),
      formatSeconds(layer.seconds),
      layer.blobs.length === 0 ? '-' : formatBytes(size),
      formatBytes(sent),
    ];
  });
  const total = [
    'total',
    '',
    formatSeconds(record.seconds),
    formatBytes(storedSize(record)),
    formatBytes(record.sentBytes),
  ];
  const table = columns([heading, ...rows, total], 2);
  return [...table, ...placeLines(record), ...imageLines(record), ...auditLines(record)].join('\n');
}

/** The audit in two sentences. */
function auditLines({ audit }: BuildRecord): string[] {
  if (audit === undefined || audit.packages.length + audit.findings.length === 0) return [];
  const found = findingCounts(audit.findings);
  const rules = [...new Set(audit.findings.map(({ rule }) => rule))].join(', ');
  return [
    '',
    auditSentence(audit),
    ...(found === undefined
      ? []
      : [`The audit found ${found}: ${rules}. comfy-nix audit says what to do.`]),
  ];
}

function placeLines(record: BuildRecord): string[] {
  const rows = cacheRows(record);
  const table = rows.length === 0 ? [] : ['', ...columns([['cache', 'use', 'result'], ...rows], 3)];
  const lines = [machinesLine(record), diskLine(record)].filter(line => line !== undefined);
  return [...table, ...(lines.length === 0 ? [] : ['', ...lines])];
}

function imageLines(record: BuildRecord): string[] {
  const reference = imageReference(record);
  if (reference === undefined) return [];
  const tags = record.image?.tags ?? [];
  const note = record.image?.digest === undefined ? undefined : pullNote(record);
  return [
    '',
    tags.length === 0 ? reference : `${reference}  (${tags.join(', ')})`,
    ...(note === undefined ? [] : [note]),
  ];
}

/** Pads the cells: texts (the first few) to the right, numbers to the left. */
export function columns(rows: readonly (readonly string[])[], texts: number): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < texts ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
