import { limits } from '../host/limits.ts';
import { type Comparison, compareRecords } from '../record/compare.ts';
import type { BuildRecord } from '../record/types.ts';
import { changeText } from './change.ts';
import type { CommentRow } from './comment.ts';
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
  const layers = changedLayers(record, comparison);
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

/** Layers that a host which has the image before pulls; of a run that pushes nothing those to be sent. */
function changedLayers(record: BuildRecord, comparison: Comparison | undefined): string[] {
  const { wouldPush, layers, image } = record;
  if (comparison && image?.digest !== undefined) {
    const changed = comparison.layers.filter(({ isChanged }) => isChanged);
    return [...changed.map(({ name }) => name), ...comparison.removedLayers];
  }
  if (wouldPush) return wouldPush.layers.map(({ name }) => name);
  const made = layers.filter(({ origin }) => origin !== 'reused' && origin !== 'skipped');
  return made.map(({ name }) => name);
}

function whatHappened(record: BuildRecord): string {
  const { outcome, seconds, limits: held = [] } = record;
  const broken = held.filter(({ kept }) => !kept).map(({ limit }) => limit);
  return [
    ...(outcome === 'success' ? [] : [`Failed after ${formatSeconds(seconds)}.`]),
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
