import { limits } from '../host/limits.ts';
import { type Comparison, compareRecords } from '../record/compare.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { changeText } from './change.ts';
import type { CommentRow } from './comment.ts';
import { isShipped } from './layers.ts';
import { packageChanges } from './package-changes.ts';
import { runSentence, wouldPushSentence } from './sentence.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** What a row says of a run. */
type ToldRun = Omit<CommentRow, 'key' | 'image' | 'version'>;

/** The row of a run, and whether its image is another than the one that it is compared with. */
export function describeForComment(
  record: BuildRecord,
  previous: BuildRecord | undefined,
): { told: ToldRun; isChanged: boolean } {
  const comparison = previous && compareRecords(previous, record);
  const layers = changedLayers(record, previous, comparison);
  const packages = comparison ? packageChanges(comparison) : [];
  const { run, commit } = record;
  const told: ToldRun = {
    ...(run === undefined ? {} : { run: short(run) }),
    ...(commit === undefined ? {} : { commit: short(commit) }),
    ...(previous?.branch === undefined ? {} : { against: short(previous.branch) }),
    sentence: short(whatHappened(record)),
    size: sizeOf(record, comparison),
    packages: packages
      .slice(0, limits.commentList)
      .map(each => short(`${each.name} ${each.change}`)),
    allPackages: packages.length,
    layers: layers.slice(0, limits.commentList).map(short),
    allLayers: layers.length,
  };
  const isChanged = record.outcome === 'success' && layers.length + packages.length > 0;
  return { told, isChanged };
}

/** Layers that are others than before; of a run that pushes nothing by what their targets are. */
function changedLayers(
  record: BuildRecord,
  previous: BuildRecord | undefined,
  comparison: Comparison | undefined,
): string[] {
  const { wouldPush, layers, image } = record;
  if (comparison && image?.digest !== undefined) {
    const changed = comparison.layers.filter(({ isChanged }) => isChanged);
    return [...changed.map(({ name }) => name), ...comparison.removedLayers];
  }
  const before = new Map(previous?.layers.map(({ name, outPath }) => [name, outPath]));
  const unsent = new Set(wouldPush?.layers.map(({ name }) => name));
  const isMade = ({ origin }: LayerRecord) => origin !== 'reused';
  const isChanged = (layer: LayerRecord) =>
    unsent.has(layer.name) ||
    (before.size > 0 && before.get(layer.name) !== layer.outPath) ||
    (wouldPush === undefined && isMade(layer));
  const changed = layers.filter(isShipped).filter(isChanged);
  // a layer that the program adds is seen where an image is made alone
  const isGone = (name: string) => before.get(name) !== null;
  return [...changed.map(({ name }) => name), ...(comparison?.removedLayers.filter(isGone) ?? [])];
}

const ended = { failure: 'Failed', cancelled: 'Cancelled' } as const;

function whatHappened(record: BuildRecord): string {
  const { outcome, seconds, limits: held = [] } = record;
  const broken = held.filter(({ kept }) => !kept).map(({ limit }) => limit);
  return [
    ...(outcome === 'success' ? [] : [`${ended[outcome]} after ${formatSeconds(seconds)}.`]),
    runSentence(record),
    wouldPushSentence(record) ?? [],
    broken.length === 0 ? [] : `Over the limit: ${broken.join(', ')}.`,
  ]
    .flat()
    .join(' ');
}

function sizeOf({ image }: BuildRecord, comparison: Comparison | undefined): string {
  if (image?.digest === undefined) return '';
  const change = changeText(comparison?.size, formatBytes);
  const { pullBytes } = comparison ?? {};
  return [
    [formatBytes(image.size), change].filter(Boolean).join(' '),
    ...(pullBytes === undefined ? [] : [`${formatBytes(pullBytes)} to pull`]),
  ].join(', ');
}

const short = (text: string): string =>
  text.length <= limits.commentText ? text : `${text.slice(0, limits.commentText - 1)}…`;
