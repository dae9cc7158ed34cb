import * as v from 'valibot';
import { limits } from '../../host/limits.ts';
import type { Descriptor } from '../types.ts';
import { checkShape, digestSchema, malformed, parseJson } from './source-image.ts';

/** RFC 6838's names of types. */
const mediaTypeSchema = v.pipe(v.string(), v.regex(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/));

const descriptorSchema = v.object({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(limits.file)),
  annotations: v.nullish(v.record(v.string(), v.string())),
  platform: v.nullish(v.object({ architecture: v.nullish(v.string()), os: v.nullish(v.string()) })),
});

const indexSchema = v.object({ manifests: v.array(descriptorSchema) });

const manifestSchema = v.object({
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(limits.sourceLayers)),
});

/** An image of an index. */
export interface IndexEntry {
  descriptor: Descriptor;
  /** What the index says that it runs on; absent where it says nothing. */
  architecture: string | undefined;
  os: string | undefined;
  /** What it is called, where the index is that of a layout. */
  tag: string | undefined;
}

/** What a manifest holds, or an index where one stands in a manifest's place. */
export type ManifestOrIndex =
  | { kind: 'index'; entries: IndexEntry[] }
  | { kind: 'manifest'; config: Descriptor; layers: Descriptor[] };

const tagAnnotation = 'org.opencontainers.image.ref.name';

/** Reads an index (image-spec, image-index.md); throws a `Failure` that names what is wrong. */
export function readIndex(text: string, name: string): IndexEntry[] {
  return entriesOf(parseJson(text, name), name);
}

/** Reads a manifest (image-spec, manifest.md) or an index. */
export function readManifest(text: string, name: string): ManifestOrIndex {
  const value = parseJson(text, name);
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'manifests')) {
    return { kind: 'index', entries: entriesOf(value, name) };
  }
  const { config, layers } = checkShape(manifestSchema, value, name);
  return { kind: 'manifest', config: descriptorOf(config), layers: layers.map(descriptorOf) };
}

function entriesOf(value: unknown, name: string): IndexEntry[] {
  return checkShape(indexSchema, value, name).manifests.map(entry => ({
    descriptor: descriptorOf(entry),
    architecture: entry.platform?.architecture ?? undefined,
    os: entry.platform?.os ?? undefined,
    tag: entry.annotations?.[tagAnnotation],
  }));
}

type FoundDescriptor = v.InferOutput<typeof descriptorSchema>;

const descriptorOf = ({ mediaType, digest, size, annotations }: FoundDescriptor): Descriptor => ({
  mediaType,
  digest,
  size,
  ...(annotations ? { annotations } : {}),
});

/** Finds the image for Linux and an architecture in an index, by what its entries say. */
export function fittingEntry(
  entries: readonly IndexEntry[],
  architecture: string | undefined,
  name: string,
): Descriptor {
  const fitting = entries.find(
    ({ os = 'linux', architecture: its }) =>
      os === 'linux' && (architecture === undefined || its === architecture),
  );
  if (fitting) return fitting.descriptor;
  throw malformed(name, `its index has no image for ${architecture ?? 'any platform'}`);
}
