import type { Comparison } from '../record/compare.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { layerCells, totalCells } from './layer-cells.ts';
import { layerOrigin, layerSums } from './layers.ts';
import { cells, code, escapeText, link } from './markdown.ts';
import { packageChanges } from './package-changes.ts';
import { formatBytes, formatMoment, plural } from './units.ts';

/** Rows of a table of layers from which on reused ones are summed up. */
const manyLayers = 60;

/** The table of layers, with what is otherwise than last time where that is known. */
export function layerRows(record: BuildRecord, comparison: Comparison | undefined): string[] {
  const { layers } = record;
  if (layers.length === 0) return [];
  const isFolded = ({ origin }: LayerRecord) => origin === 'reused' && layers.length > manyLayers;
  const folded = layers.filter(isFolded);
  const changes = new Map(comparison?.layers.map(change => [change.name, change]));
  const row = (layer: LayerRecord): string => {
    const values = layerCells(layer, changes.get(layer.name));
    return cells(code(layer.name), layerOrigin(layer), ...shown(values, comparison));
  };
  const total = totalCells(record, comparison);
  const heads = ['time', '', 'size', '', 'sent'];
  const head = ['layer', 'origin', ...shown(heads, comparison)];
  return [
    [
      cells(...head),
      `|:--|:--|${'--:|'.repeat(head.length - 2)}`,
      ...layers.filter(layer => !isFolded(layer)).map(row),
      ...foldedRow(folded, comparison),
      cells('**total**', '', ...shown(total, comparison)),
    ].join('\n'),
  ];
}

/** The cells of a row: those that compare only where there is something to compare with. */
const shown = (values: readonly string[], comparison: Comparison | undefined): readonly string[] =>
  comparison === undefined ? values.filter((_, at) => at % 2 === 0) : values;

function foldedRow(folded: readonly LayerRecord[], comparison: Comparison | undefined): string[] {
  if (folded.length === 0) return [];
  const size = folded.reduce((sum, layer) => sum + layerSums(layer).size, 0);
  const values = ['–', '', formatBytes(size), '', formatBytes(0)];
  return [cells(`${folded.length} more`, 'reused', ...shown(values, comparison))];
}

/** With what the run was compared, and what its image means for a host that has the one before. */
export function comparedSentences(
  previous: BuildRecord | undefined,
  comparison: Comparison | undefined,
): string[] {
  if (previous === undefined || comparison === undefined) return [];
  const { pullBytes, removedLayers } = comparison;
  const run = link(`the run of ${formatMoment(previous.startedAt)}`, previous.run);
  const gone =
    removedLayers.length === 0 ? '' : ` Gone since: ${removedLayers.map(code).join(', ')}.`;
  const pull =
    pullBytes === undefined
      ? ''
      : ` A host that has that image pulls ${formatBytes(pullBytes)} for this one.`;
  return [`▲▼ Against ${run}.${pull}${gone}`];
}

/** Packages that are listed; the page and the record have all of them. */
const mostPackages = 50;

/** Packages that came, went or have another version. */
export function packageRows(comparison: Comparison | undefined): string[] {
  const all = comparison === undefined ? [] : packageChanges(comparison);
  if (all.length === 0) return [];
  const rows = all
    .slice(0, mostPackages)
    .map(({ name, layer, change }) => cells(code(name), escapeText(change), code(layer)));
  const more = all.length - rows.length;
  return [
    `<details><summary>${plural(all.length, 'package')} changed</summary>`,
    [cells('package', 'change', 'layer'), '|:--|:--|:--|', ...rows].join('\n'),
    ...(more === 0 ? [] : [`${more} more are left out.`]),
    '</details>',
  ];
}
