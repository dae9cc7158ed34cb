import type { BuildRecord } from '../../record/types.ts';
import { unpacked } from '../../registry/memory/artifact.ts';
import { readMemory } from '../../registry/memory/read.ts';
import type { RememberedRecord } from '../../registry/remembered.ts';
import type { ImageStore } from '../../registry/store.ts';
import { thisMachine } from '../copy/source.ts';
import { parseRecord } from './parse-record.ts';

/** The records that the memory at a tag keeps, newest first. Rejects when the store fails. */
export async function recordsAt(
  store: ImageStore,
  tag: string,
): Promise<readonly RememberedRecord[]> {
  const { architecture } = thisMachine;
  // store paths of other stores are of no interest here
  const { memory } = await readMemory(store, tag, { storeDir: '/nix/store', architecture });
  return memory.records ?? [];
}

/** What a record says; undefined where it is gone, or is one of another format. Rejects when the store fails. */
export async function readRecord(
  store: ImageStore,
  record: RememberedRecord,
): Promise<BuildRecord | undefined> {
  const bytes = await store.getBlob(record);
  const text = bytes && (await unpacked(bytes));
  return text && parseRecord(text.toString());
}
