import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { retries } from '../../host/limits.ts';
import { notice } from '../../host/say.ts';
import { cannotMove } from '../refusal.ts';
import type { Memory, RememberedImage, RememberedRecord } from '../remembered.ts';
import type { ImageStore, StoredManifest } from '../store.ts';
import { derivationsType, documentsBeside, packed, recordType, type Shape } from './artifact.ts';
import { isRemembered, mergeMemories } from './merge.ts';
import { areNumbered, newestNumber, numberedTag } from './numbered.ts';
import { putMemory } from './put.ts';
import { type FoundMemory, type Reading, readMemory } from './read.ts';
import { beginRecord } from './record-blob.ts';

/** What is told of a record without reading it. */
type Told = Pick<RememberedRecord, 'run' | 'branch' | 'attribute' | 'image'>;

/** What a run has learnt. */
interface Lesson {
  image: RememberedImage;
  /** Whether the run did something that is worth its record, also where the image is known. */
  isNews: boolean;
  /** The run's record as a text, and where the run can be looked up; a copy has none. */
  record?: { text: string } & Told;
  /** What is kept of the image's derivations, as a text. */
  derivations?: { text: string } & Told;
}

type ChooseRecord = (records: readonly RememberedRecord[]) => RememberedRecord | undefined;

/** Where a memory lives, with what this run has found out of it. */
export interface MemoryPlace {
  /** As {@link readMemory}; what was read is known when it is written. */
  read(): Promise<FoundMemory>;
  /**
   * The text of the record that is chosen among those of the memory as it was read; undefined where there is
   * none such, and where it cannot be had. Never rejects.
   */
  record(choose: ChooseRecord): Promise<string | undefined>;
  /** The same of what is kept of derivations. */
  derivations(choose: ChooseRecord): Promise<string | undefined>;
  /**
   * Adds what a run has learnt. What other runs write there is kept, and what they have overwritten is
   * written again. Nothing is asked or sent where nothing is new. Rejects when the store fails.
   * @param after what must have been done before the memory says so; rejects as that does
   */
  write(lesson: Lesson, after?: Promise<unknown>): Promise<void>;
}

/** What a place is opened with; the last two are for tests. */
export interface PlaceOptions extends Omit<Reading, 'before'> {
  host: Host;
  sleep?: (ms: number) => Promise<unknown>;
  /** In [0, 1). */
  random?: () => number;
}

/** What is known of a place by now. */
interface Place extends PlaceOptions {
  store: ImageStore;
  tag: string;
  found?: FoundMemory;
  shapes: Shape[];
  /** The number of the newest memory; 0: it has none. Undefined: that was not asked yet. */
  number?: number;
}

/** The memory at a tag. Nothing is asked before it is read or written. */
export function memoryPlace(store: ImageStore, tag: string, options: PlaceOptions): MemoryPlace {
  const place: Place = { ...options, store, tag, shapes: ['artifact', 'image'] };
  return {
    read: () => look(place),
    record: choose => recordIn(place, choose),
    derivations: choose => derivationsIn(place, choose),
    write: (lesson, after) => write(lesson, place, after),
  };
}

async function recordIn({ store, found }: Place, choose: ChooseRecord) {
  const chosen = choose(found?.memory.records ?? []);
  if (chosen === undefined) return undefined;
  const { newest } = found ?? {};
  return (newest?.digest === chosen.digest ? newest : beginRecord(store, chosen)).text;
}

async function derivationsIn({ store, found }: Place, choose: ChooseRecord) {
  const chosen = choose(found?.memory.derivations ?? []);
  return chosen && beginRecord(store, chosen).text;
}

async function look(place: Place): Promise<FoundMemory> {
  place.found = await newest(place);
  return place.found;
}

/** The memory that was written last; which number it has is found out on the way. */
async function newest(place: Place): Promise<FoundMemory> {
  const { store, tag, storeDir, architecture, mayWrite, withRecord, found: before } = place;
  const reading = { storeDir, architecture, mayWrite, withRecord, ...(before ? { before } : {}) };
  const readAt = (number: number) => readMemory(store, numberedTag(tag, number), reading);
  if (place.number === undefined) {
    const [found, isNumbered] = await Promise.all([readAt(0), areNumbered(store, tag)]);
    place.number = isNumbered ? 1 : 0;
    if (!isNumbered) return found;
  }
  if (place.number > 0) place.number = await newestNumber(store, tag, place.number);
  return readAt(place.number);
}

async function write(lesson: Lesson, place: Place, after?: Promise<unknown>): Promise<void> {
  const { host, store, tag, sleep = wait, random = Math.random } = place;
  if (!lesson.isNews && place.found && isRemembered(lesson.image, place.found.memory)) return;
  after?.catch(() => undefined); // told where it is waited for
  const { learnt, sent } = await withDocuments(lesson, store);
  for (let attempt = 1; attempt <= retries.memory.attempts; attempt += 1) {
    const before = host.clock();
    const found = place.found ?? (await look(place));
    if (!found.writable || isKept(learnt, found.memory)) return sent;
    const putting = putMemory(mergeMemories(learnt, found.memory), place, sent);
    const [{ memory, manifest }] = await Promise.all([putting, after]);
    // so that others have little time to write between what was read and this
    const now = await look(place);
    if (now.digest !== found.digest) continue;
    if (await pointTag(manifest, found, place)) {
      place.found = { memory, digest: manifest.digest, writable: true };
      const pause = Math.max(retries.memory.pause, 2 * (host.clock() - before));
      await sleep(pause * (attempt === 1 ? 1 : 1 + random()));
    }
    await look(place);
  }
  throw new Failure(`Others write the memory at ${store.repository}:${tag} all the time.`, {
    tried: `It was written ${retries.memory.attempts} times and was overwritten each time.`,
    next: 'Give images that are built at the same time a `cache-tag` each.',
  });
}

/** What is to be written, and the documents beside it on their way into the store. */
async function withDocuments({ image, record, derivations }: Lesson, store: ImageStore) {
  const [records, kept] = await Promise.all([
    sendDocument(record, recordType, store),
    sendDocument(derivations, derivationsType, store),
  ]);
  const sent = Promise.all([records.sent, kept.sent]).then(() => undefined);
  sent.catch(() => undefined); // told to who needs it
  const learnt: Memory = {
    images: [image],
    ...(records.rows.length > 0 ? { records: records.rows } : {}),
    ...(kept.rows.length > 0 ? { derivations: kept.rows } : {}),
  };
  return { learnt, sent };
}

async function sendDocument(
  document: ({ text: string } & Told) | undefined,
  mediaType: string,
  store: ImageStore,
): Promise<{ rows: RememberedRecord[]; sent: Promise<unknown> }> {
  if (document === undefined) return { rows: [], sent: Promise.resolve() };
  const { text, ...told } = document;
  const { bytes, descriptor } = await packed(Buffer.from(text), mediaType);
  const sent = store.putBytes(bytes, descriptor.mediaType, { isNew: true });
  sent.catch(() => undefined); // told to who needs it
  return { rows: [{ ...descriptor, ...told }], sent };
}

function isKept(learnt: Memory, memory: Memory): boolean {
  const digests = new Set(documentsBeside(memory).map(({ digest }) => digest));
  return (
    documentsBeside(learnt).every(({ digest }) => digests.has(digest)) &&
    learnt.images.every(image => isRemembered(image, memory))
  );
}

/** Moves the tag, or takes the next number where tags do not move; false where another has taken it. */
async function pointTag(
  manifest: StoredManifest,
  { digest: before }: FoundMemory,
  place: Place,
): Promise<boolean> {
  const { store, tag, host } = place;
  if (!place.number) {
    try {
      await store.putTag(tag, manifest);
      return true;
    } catch (error) {
      if (before === undefined || store.tagsWith === undefined || !cannotMove(error)) throw error;
    }
  }
  const next = (place.number ?? 0) + 1;
  const name = numberedTag(tag, next);
  const isThere = (await store.getManifest(name).catch(() => undefined)) !== undefined;
  if (!isThere) {
    try {
      await store.putTag(name, manifest);
      tellNumbered(store, name, host);
    } catch (error) {
      if (!(cannotMove(error) && (await store.getManifest(name)))) throw error;
      place.number = next;
      return false;
    }
  }
  place.number = next;
  return !isThere;
}

function tellNumbered(store: ImageStore, name: string, host: Host): void {
  notice(
    host,
    `${store.repository} does not move tags: the memory is at ${name}. Exempt the tags cache-* from its rule of immutable tags, and it keeps one tag.`,
  );
}
