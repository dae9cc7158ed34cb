import { Failure } from '../../host/failure.ts';
import { AnswerTooLong } from '../../host/http/message.ts';
import { limits } from '../../host/limits.ts';
import { WrongDigest } from '../../image/digest.ts';
import { linuxOn } from '../../image/oci/choose.ts';
import { type FoundManifest, findManifest, WrongDocument } from '../../image/oci/documents.ts';
import { Refusal } from '../refusal.ts';
import type { Memory } from '../remembered.ts';
import type { ImageStore } from '../store.ts';
import { formatOf, unpacked } from './artifact.ts';
import { memoryFormat } from './document.ts';
import { parseMemory } from './parse.ts';
import { beginNewestRecord, type ReadRecord } from './record-blob.ts';

/** A memory as found, and whether it may be written again. */
export interface FoundMemory {
  memory: Memory;
  /** Of the manifest; absent where there is none. */
  digest?: string;
  /** False where a newer program keeps a memory that this one cannot read. */
  writable: boolean;
  /** Of the newest run, where it was asked for. */
  newest?: ReadRecord;
  /** A sentence, where something was there that could not be used. */
  warning?: string;
}

/** The memory of a repository in which nothing was built yet. */
const nothingFound: FoundMemory = { memory: { images: [] }, writable: true };

/** What a reader knows of the place. */
export interface Reading {
  storeDir: string;
  /** OCI's name; chooses the manifest where the reference is an index. */
  architecture: string;
  /**
   * Whether this login may write here, as was tried: then a refusal says that nothing is there, as some
   * registries do.
   */
  mayWrite?: (() => Promise<boolean>) | undefined;
  /** Whether the newest record is read beside it. */
  withRecord?: boolean | undefined;
  /** What was found before: where the same manifest is there still, nothing more is read. */
  before?: FoundMemory;
}

/**
 * Reads the memory at `reference` (a tag or digest of the store's repository). A missing memory is an
 * empty one; a damaged one or one of another format is ignored with a warning. Rejects only when the
 * store itself fails.
 */
export async function readMemory(
  store: ImageStore,
  reference: string,
  reading: Reading,
): Promise<FoundMemory> {
  const where = `The memory at ${store.repository}:${reference}`;
  const found = await manifestAt(store, reference, reading);
  const ignored = (why: string, writable = true): FoundMemory => ({
    ...nothingFound,
    ...(found && !(found instanceof Failure) ? { digest: found.stored.digest } : {}),
    writable,
    warning: `${where} ${why}; it is ignored, and this run makes every layer it needs.`,
  });
  if (found === undefined) return nothingFound;
  if (found instanceof Failure) return ignored(`is damaged (${found.message})`);
  const { digest } = found.stored;
  if (digest === reading.before?.digest) return reading.before;
  const { manifest } = found;
  const format = formatOf(manifest);
  if (format === undefined) {
    return ignored(`is no memory (its config is ${manifest.config.mediaType})`, false);
  }
  if (format < memoryFormat) return ignored(`has the older format ${format} and is replaced`);
  if (format > memoryFormat) return ignored(newer(format), false);
  // what was read before had one
  const isWanted = reading.withRecord && reading.before === undefined;
  const newest = isWanted ? beginNewestRecord(store, manifest) : undefined;
  const document = await documentOf(store, found);
  if (document === undefined)
    return ignored('is damaged (its document is gone, altered or too large)');
  const parsed = parseMemory(document, reading.storeDir);
  if (parsed.kind === 'newer') return ignored(newer(parsed.format), false);
  if (parsed.kind === 'damaged') return ignored(`is damaged (${parsed.reason})`);
  const { memory, leftOut } = parsed;
  const read = { memory, digest, writable: true, ...(newest ? { newest } : {}) };
  if (leftOut === 0) return read;
  const warning = `${where} contradicts itself in ${leftOut} places; this run makes anew what they tell of.`;
  return { ...read, warning };
}

/**
 * The document of the memory at `reference`, and nothing told of what is wrong; undefined where there is none
 * of this format. Rejects only when the store itself fails.
 */
export async function documentAt(
  store: ImageStore,
  reference: string,
  architecture: string,
): Promise<Buffer | undefined> {
  const found = await manifestAt(store, reference, { architecture });
  if (found === undefined || found instanceof Failure) return undefined;
  return formatOf(found.manifest) === memoryFormat ? documentOf(store, found) : undefined;
}

const newer = (format: number) => `has format ${format}, which needs a newer comfy-nix`;

/** The document, which is the first layer; undefined where it cannot be had. */
async function documentOf(
  store: ImageStore,
  { manifest }: FoundManifest,
): Promise<Buffer | undefined> {
  const [document] = manifest.layers;
  if (document === undefined || document.size > limits.memoryPacked) return undefined;
  const bytes = await store.getBlob(document).catch(altered);
  return bytes && unpacked(bytes);
}

/** Wrong bytes are damage; a store that fails is not, and must not cost the memory. */
const isDamage = (error: unknown): error is Failure =>
  error instanceof WrongDocument || error instanceof WrongDigest || error instanceof AnswerTooLong;

function altered(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

/** The manifest at the reference, through an index if there is one; undefined where there is none. */
async function manifestAt(
  store: ImageStore,
  reference: string,
  { architecture, mayWrite }: Pick<Reading, 'architecture' | 'mayWrite'>,
): Promise<FoundManifest | Failure | undefined> {
  const name = `${store.repository}:${reference}`;
  try {
    const found = await findManifest(store, reference, linuxOn(architecture), name);
    return typeof found === 'string' ? undefined : found;
  } catch (error) {
    if (isDamage(error)) return error;
    const isRefusal = error instanceof Refusal && [400, 401, 403].includes(error.status);
    if (isRefusal && (await mayWrite?.())) return undefined;
    throw error;
  }
}
