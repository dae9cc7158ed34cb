import type { Descriptor } from '../types.ts';

/** What an image runs on, in OCI's (Go's) names. */
export type Platform = NonNullable<Descriptor['platform']>;

/** Linux on a processor, such as "amd64". */
export const linuxOn = (architecture: string): Platform => ({ os: 'linux', architecture });

/** As it is written for people and by `--platform`: "linux/arm64/v8". */
export const platformName = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** Variants that every processor of the kind has, whatever else it can do. */
const baselines: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

/** Whether an entry of an index is an image: not an attestation of one, and no artifact. */
export const isImage = ({ artifactType, annotations, platform }: Descriptor): boolean =>
  artifactType === undefined &&
  annotations?.['vnd.docker.reference.type'] === undefined &&
  platform?.os !== 'unknown';

/**
 * The image of an index for a platform: without a variant asked for, the one that runs on every such
 * processor. An only image of which the index says no platform is taken for any.
 */
export function chooseManifest(
  entries: readonly Descriptor[],
  wanted: Platform,
): Descriptor | undefined {
  const images = entries.filter(isImage);
  const fitting = images.filter(({ platform }) => platform && fits(platform, wanted));
  const [first] = fitting.sort((one, other) => demand(one) - demand(other));
  if (first) return first;
  const unsaid = images.filter(({ platform }) => platform === undefined);
  return new Set(unsaid.map(({ digest }) => digest)).size === 1 ? unsaid[0] : undefined;
}

/** What the images of an index run on, as far as it says that. */
export const platformsIn = (entries: readonly Descriptor[]): string[] => [
  ...new Set(
    entries.filter(isImage).flatMap(({ platform }) => (platform ? platformName(platform) : [])),
  ),
];

const fits = (found: Platform, wanted: Platform) =>
  found.os === wanted.os &&
  found.architecture === wanted.architecture &&
  (wanted.variant === undefined || variantOf(found) === variantOf(wanted));

const variantOf = ({ architecture, variant }: Platform) => variant || baselines[architecture];

/** How much of the processor an image asks for: 0 is what all have. */
function demand({ platform }: Descriptor): number {
  if (!platform || variantOf(platform) === baselines[platform.architecture]) return 0;
  return Number(/\d+/.exec(platform.variant ?? '')?.[0] ?? 0) + 1;
}
