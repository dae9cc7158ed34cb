import type { BuildRecord } from '../record/types.ts';
import { auditSentence, findingCounts } from './audit.ts';
import { columns } from './columns.ts';
import { imageReference, layerOrigin, layerSums, pullNote, storedSize } from './layers.ts';
import { cacheRows, diskLine, machinesLine } from './places.ts';
import { runSentence, runTitle, wouldPushSentence } from './sentence.ts';
import { formatBytes, formatSeconds } from './units.ts';

const heading = ['layer', 'origin', 'time', 'size', 'sent'];

/** What a run has come to, as plain text: what happened, and below it the table of layers. */
export function runResult(record: BuildRecord): string {
  const wouldPush = wouldPushSentence(record);
  const lines = [runTitle(record), runSentence(record), ...(wouldPush ? [wouldPush] : [])];
  const table = layerTable(record);
  return [...lines, ...(table === '' ? [] : ['', table])].join('\n');
}

/**
 * The run as plain text: a table of layers with totals, what caches and the disk did, and the image's
 * name, as far as there is any of it; no final newline.
 */
export function layerTable(record: BuildRecord): string {
  const parts = [layerLines, placeLines, imageLines, auditLines].map(of => of(record));
  return parts
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n');
}

function layerLines(record: BuildRecord): string[] {
  if (record.layers.length === 0) return [];
  const size = storedSize(record);
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
    size === 0 ? '-' : formatBytes(size),
    formatBytes(record.sentBytes),
  ];
  return columns([heading, ...rows, total], 2);
}

/** The audit in two sentences. */
function auditLines({ audit }: BuildRecord): string[] {
  if (audit === undefined) return [];
  const found = findingCounts(audit.findings);
  const rules = [...new Set(audit.findings.map(({ rule }) => rule))].join(', ');
  return [
    ...(audit.packages.length === 0 ? [] : [auditSentence(audit)]),
    ...(found === undefined
      ? []
      : [`The audit found ${found}: ${rules}. comfy-nix audit says what to do.`]),
  ];
}

function placeLines(record: BuildRecord): string[] {
  const rows = cacheRows(record);
  const table = rows.length === 0 ? [] : columns([['cache', 'use', 'result'], ...rows], 3);
  const lines = [machinesLine(record), diskLine(record)].filter(line => line !== undefined);
  return [...table, ...(table.length > 0 && lines.length > 0 ? [''] : []), ...lines];
}

function imageLines(record: BuildRecord): string[] {
  const reference = imageReference(record);
  if (reference === undefined) return [];
  const tags = record.image?.tags ?? [];
  const note = pullNote(record);
  return [
    tags.length === 0 ? reference : `${reference}  (${tags.join(', ')})`,
    ...(note === undefined ? [] : [note]),
  ];
}
