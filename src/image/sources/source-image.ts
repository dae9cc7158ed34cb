import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import { jsonExcess } from '../../host/json-size.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { mismatch } from '../decompress.ts';
import { isDigest } from '../digest.ts';
import type { Platform } from '../oci/choose.ts';
import type { RegistryPlace } from '../oci/reader.ts';
import type { BlobSource, BlobStream } from '../types.ts';

/** A layer of an image that some other tool described. */
export interface SourceLayer {
  name: string;
  source: BlobSource;
  /** The store paths that it holds, where the source says so. */
  storePaths?: readonly string[];
  /** What the memory knows its content by, where that is known without reading it. */
  key?: string;
  /** Where it is read from: within one registry it may be mounted. */
  from?: RegistryPlace;
}

/** An image that some other tool made or described, ready to be sent. */
export interface SourceImage {
  /** For people: what kind of image, and which file. */
  description: string;
  /** In order, lowest first. */
  layers: readonly SourceLayer[];
  /** The image config's bytes, given the layers' diffIDs as they were found. */
  config(diffIds: readonly string[]): Buffer;
  /** References that the image names itself by, such as "comfyui:cu130". */
  repoTags: readonly string[];
  /** Tags without a name that the image has where it was found. */
  tags?: readonly string[];
  /** The manifest as it was found: it is sent as it is where all layers are. */
  manifest?: { bytes: Buffer; mediaType: string; annotations: Readonly<Record<string, string>> };
  /** What it runs on, where that is said. */
  platform?: Platform | undefined;
  /** Platforms of which the same source has other images, such as "linux/arm64". */
  otherPlatforms?: readonly string[];
  /** Layers come out of one stream: sent one by one and in order, it is read once. */
  sequential: boolean;
  /** Ends what the image still holds open, such as the program that writes it. */
  close(): Promise<void>;
}

/** A config that is there already; its diffIDs must be those of the layers. */
export function fixedConfig(bytes: Buffer, stated: readonly string[], description: string) {
  return (diffIds: readonly string[]): Buffer => {
    const wrong = diffIds.findIndex((diffId, index) => diffId !== stated[index]);
    if (wrong >= 0) {
      throw mismatch(
        `Layer ${wrong + 1} of ${description}`,
        stated[wrong] ?? 'none',
        diffIds[wrong] ?? 'none',
      );
    }
    return bytes;
  };
}

/**
 * The same blob, whose stream fails in place of its end where the diffID (or digest) is not the one that
 * was stated: so nothing wrong is ever finished. No piece is held back for that: they are lent.
 */
export function checkedSource(source: BlobSource, name: string): BlobSource {
  const open = (signal?: AbortSignal): BlobStream => {
    const stream = source.open(signal);
    return {
      bytesRead: () => stream.bytesRead(),
      ...(stream.stages ? { stages: stream.stages } : {}),
      result: () => stream.result(),
      async *[Symbol.asyncIterator]() {
        yield* stream;
        const { diffId, digest } = stream.result();
        if (source.diffId && source.diffId !== diffId) throw mismatch(name, source.diffId, diffId);
        if (source.digest && source.digest !== digest) throw mismatch(name, source.digest, digest);
      },
    };
  };
  return { ...source, open };
}

/**
 * The same blob with its size known, which a docker-archive must have before it is written. Where
 * the source does not say it, the blob is read once for that.
 */
export async function measuredSource(
  source: BlobSource,
  signal?: AbortSignal,
): Promise<BlobSource> {
  if (source.uncompressedSize !== undefined) return source;
  const stream = source.open(signal);
  for await (const _ of stream) signal?.throwIfAborted();
  const { uncompressedSize, diffId } = stream.result();
  return { ...source, uncompressedSize, diffId };
}

/** The same image, each of its layers' sizes known: one by one, since each is read to its end. */
export async function measuredImage(
  image: SourceImage,
  signal: AbortSignal | undefined,
): Promise<SourceImage> {
  const layers: SourceLayer[] = [];
  for (const layer of image.layers) {
    layers.push({ ...layer, source: await measuredSource(layer.source, signal) });
  }
  return { ...image, layers };
}

/**
 * Parses JSON of a file of an image; throws a {@link Failure} that names the file, and quotes nothing
 * of it: what was named may be any file of the machine.
 *
 * @param parse another way to read JSON, which keeps more of it
 */
export function parseJson(
  text: string,
  name: string,
  parse: (text: string) => unknown = JSON.parse,
): unknown {
  const excess = jsonExcess(text);
  if (excess !== undefined) throw malformed(name, excess);
  try {
    return parse(text);
  } catch {
    throw malformed(name, 'it is no JSON');
  }
}

/** Checks parsed JSON; throws a {@link Failure} that names the first field that is wrong. */
export function checkShape<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  name: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const field = v.getDotPath(result.issues[0]);
  throw malformed(
    name,
    field === null ? 'it is no object' : `its field ${visible(field)} is missing or wrong`,
  );
}

/** The error for a description of an image that lacks something or is of the wrong shape. */
export const malformed = (name: string, how: string) =>
  new Failure(`${visible(name)} does not describe an image: ${how}.`, {
    next: 'Build the target again, and check with which tool it was made.',
  });

/**
 * Refuses more layers than engines run, before one of them is read.
 * @param field where the file says how many there are
 */
export function checkLayerCount(
  count: number,
  { name, field, next }: Record<'name' | 'field' | 'next', string>,
): void {
  if (count <= limits.imageLayers) return;
  throw new Failure(
    `${visible(name)}, ${field}: the image has ${count} layers; container engines take ${limits.imageLayers}.`,
    { next },
  );
}

/** The diffIDs that an image config states. */
export function diffIdsOf(config: unknown, name: string): string[] {
  const { rootfs } = checkShape(configSchema, config, `the config of ${name}`);
  return rootfs.diff_ids;
}

export const digestSchema = v.custom<string>(isDigest);

const configSchema = v.object({
  rootfs: v.object({
    diff_ids: v.pipe(v.array(digestSchema), v.maxLength(limits.sourceLayers)),
  }),
});

/** A tag in OCI's letters. */
export const tagSchema = v.pipe(v.string(), v.regex(/^\w[\w.-]{0,127}$/));

/** "name:tag" as tools name their images, the tag in OCI's letters. */
export const repoTagSchema = v.pipe(
  v.string(),
  v.maxLength(512),
  v.regex(
    /^((\[[\da-fA-F:]+\]|[A-Za-z0-9][\w.-]*)(:\d{1,5})?\/)?[A-Za-z0-9][\w./-]*:\w[\w.-]{0,127}$/,
  ),
);

export const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string');
