import { jsonValue } from '../../host/foreign-value.ts';
import { readRecord } from '../../record/read.ts';
import type { BuildRecord } from '../../record/types.ts';
import { readMemory } from '../../registry/memory/read.ts';
import { beginRecord } from '../../registry/memory/record-blob.ts';
import type { RememberedRecord } from '../../registry/remembered.ts';
import type { ImageStore } from '../../registry/store.ts';
import { thisMachine } from '../copy/source.ts';

/** The records that the memory at a tag keeps, newest first. Rejects when the store fails. */
export async function recordsAt(
  store: ImageStore,
  tag: string,
): Promise<readonly RememberedRecord[]> {
  const { architecture } = thisMachine;
  // store paths, which another store may have elsewhere, are of no interest here
  const { memory } = await readMemory(store, tag, { storeDir: '/nix/store', architecture });
  return memory.records ?? [];
}

/** A record with what the memory says of it. */
export interface KeptRecord {
  about: RememberedRecord;
  record: BuildRecord;
}

/** What records say, in their order; one that is gone or cannot be understood is left out. */
export async function readRecords(
  store: ImageStore,
  records: readonly RememberedRecord[],
): Promise<KeptRecord[]> {
  const read = records.map(async about => {
    const text = await beginRecord(store, about).text;
    const record = text === undefined ? undefined : readRecord(jsonValue(text));
    return record ? [{ about, record }] : [];
  });
  return (await Promise.all(read)).flat();
}
