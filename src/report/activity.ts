import type { Activity, LayerProgress, Progress } from '../record/progress.ts';
import type { BuildActivity } from '../record/silence.ts';
import { formatBytes, formatLeft, formatPart, formatSeconds, storeName } from './units.ts';

/** What runs, in a few words: "building torch-2.9.0", "sending 1.20 GB, 40 % read, about 2 min left". */
export function describeActivity(activity: Activity, now: number): string {
  if (activity.kind === 'build') return `building ${storeName(activity.derivation)}`;
  if (activity.kind === 'substitute') return `fetching ${storeName(activity.path)}`;
  const { read, sent, uncompressedSize, rate } = activity;
  if (!uncompressedSize) return `sending ${formatBytes(sent)} (read ${formatBytes(read)})`;
  const left = rate.left(uncompressedSize, now);
  const share = Math.min(100, Math.floor((100 * read) / uncompressedSize));
  const time = left === undefined || share === 100 ? '' : `, ${formatLeft(left)} left`;
  return `sending ${formatBytes(sent)}, ${share} % read${time}`;
}

/** A layer that is done with: "layer3-pytorch: built in 12 min 03 s, sent 1.90 GB". */
export function describeLayer(layer: LayerProgress, now: number): string {
  const { name, origin } = layer;
  const busy = layer.busy(now);
  const { uploaded, present, mounted } = layer.transfers;
  const time = busy === undefined ? '' : ` in ${formatSeconds(busy / 1000)}`;
  const parts = [
    `${origin ?? (layer.reused ? 'reused' : 'done')}${time}`,
    ...(uploaded > 0 ? [`sent ${formatBytes(layer.sent)}`] : []),
    ...(uploaded === 0 && present > 0 ? ['already there'] : []),
    ...(mounted > 0 ? ['mounted'] : []),
  ];
  return `${name}: ${parts.join(', ')}`;
}

/**
 * A sign of life: how far the run is, and below it what has been running longest, since when, and what
 * its builder said last; undefined when nothing runs.
 */
export function describeProgress(progress: Progress, now: number): string | undefined {
  const { activities, phases } = progress;
  const counts = describeCounts(progress, now);
  const oldest = [...activities.values()].slice(0, mostTold);
  const more = activities.size - oldest.length;
  const phase = phases.at(-1);
  if (activities.size === 0 && counts.length === 0) {
    return phase === undefined ? undefined : `Still at work: ${phaseNames[phase].toLowerCase()}`;
  }
  const far = counts.length > 0 ? counts.join(', ') : phase && phaseNames[phase].toLowerCase();
  return [
    far === undefined ? 'Still at work' : `Still at work: ${far}`,
    ...oldest.map(activity => `  ${describeLong(activity, now)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

/** What a sign of life tells at most: activities, and characters of a builder's line. */
const mostTold = 3;
const longestLine = 160;

/** How far a run is, as far as that can be counted: "12 of 41 built", "180 of 640 MB", "about 2 min left". */
export function describeCounts({ built, fetched, download }: Progress, now: number): string[] {
  const left = download.rate.left(download.expected, now);
  return [
    ...(built.expected > 0 ? [`${built.done} of ${built.expected} built`] : []),
    ...(fetched.expected > 0 ? [`${fetched.done} of ${fetched.expected} fetched`] : []),
    ...(download.done < download.expected ? [formatPart(download.done, download.expected)] : []),
    ...(left === undefined || left === 0 ? [] : [`${formatLeft(left)} left`]),
  ];
}

/** An activity in one line, such as "app: building torch-2.9.0 (4 min 10 s, silent for 40 s): ld …". */
function describeLong(activity: Activity, now: number): string {
  const layer = activity.layer === undefined ? '' : `${activity.layer}: `;
  const ran = formatSeconds((now - activity.startedAt) / 1000);
  const what = `${layer}${describeActivity(activity, now)} (${ran}`;
  if (activity.kind !== 'build' || activity.line === '') return `${what})`;
  const quiet = now - activity.heardAt;
  const silent = quiet < 1000 ? '' : `, silent for ${formatSeconds(Math.floor(quiet / 1000))}`;
  return `${what}${silent}): ${shortLine(activity.line)}`;
}

/** What is to be said of a build from which nothing was heard for long. */
export function describeSilence({ derivation, layer, line, heardAt }: BuildActivity, now: number) {
  const where = layer === undefined ? '' : `${layer}: `;
  const minutes = Math.floor((now - heardAt) / 60_000);
  const last = line === '' ? '' : ` Its last line: ${shortLine(line)}.`;
  return (
    `${where}${storeName(derivation)} has said nothing for ${minutes} min.${last} ` +
    'Compilers and linkers may be at work; a line `nix-conf: max-silent-time = 1800` ends what stays silent.'
  );
}

const shortLine = (line: string): string =>
  line.length <= longestLine ? line : `${line.slice(0, longestLine)}…`;

/** What a phase does, as the start of a line. */
export const phaseNames = {
  install: 'Preparing Nix',
  evaluate: 'Evaluating the flake',
  remember: 'Asking the registry what it holds',
  realise: 'Building the layers',
  push: 'Sending layers as they get ready',
  finish: 'Finishing',
} as const;
