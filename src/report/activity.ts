import type { Activity, LayerProgress, Progress } from '../record/progress.ts';
import { formatBytes, formatSeconds, storeName } from './units.ts';

/** What runs, in a few words and without a time: "building torch-2.9.0", "sending 1.2 GB". */
export function describeActivity(activity: Activity): string {
  if (activity.kind === 'build') return `building ${storeName(activity.derivation)}`;
  if (activity.kind === 'substitute') return `fetching ${storeName(activity.path)}`;
  const { read, sent, uncompressedSize } = activity;
  const size = uncompressedSize === undefined ? '' : ` of ${formatBytes(uncompressedSize)}`;
  return `sending ${formatBytes(sent)} (read ${formatBytes(read)}${size})`;
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

/** A sign of life: what has been running longest, and since when; undefined when nothing does. */
export function describeProgress(progress: Progress, now: number): string | undefined {
  const { activities, phases, download } = progress;
  const oldest = [...activities.values()].slice(0, 3).map(activity => {
    const since = formatSeconds((now - activity.startedAt) / 1000);
    const layer = activity.layer === undefined ? '' : `${activity.layer}: `;
    return `${layer}${describeActivity(activity)} (${since})`;
  });
  const more = activities.size - oldest.length;
  const parts = [
    ...oldest,
    ...(more > 0 ? [`${more} more`] : []),
    ...(download.done < download.expected
      ? [`downloaded ${formatBytes(download.done)} of ${formatBytes(download.expected)}`]
      : []),
  ];
  if (parts.length > 0) return `Still at work: ${parts.join('; ')}`;
  const phase = phases.at(-1);
  return phase === undefined ? undefined : `Still at work: ${phaseNames[phase].toLowerCase()}`;
}

/** What a phase does, as the start of a line. */
export const phaseNames = {
  install: 'Preparing Nix',
  evaluate: 'Evaluating the flake',
  remember: 'Asking the registry what it holds',
  realise: 'Building the layers',
  push: 'Sending layers as they get ready',
  finish: 'Finishing',
} as const;
