import { buffer } from 'node:stream/consumers';
import { limits } from '../../host/limits.ts';
import type { NamedEntry } from './entries.ts';
import type { TreeFile } from './layout.ts';
import { refused } from './refused.ts';
import { wantsInterpreter, withInterpreter } from './script.ts';
import type { Zip } from './zip.ts';
import { contentOf } from './zip-content.ts';

/** The bytes of a file of a tree. */
export interface FileBytes {
  /** How many there are, if the archive tells the truth; else `chunks` throws. */
  size: number;
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** What a file of a wheel's tree holds. Throws a {@link Failure} where its entry cannot be read. */
export async function bytesOfFile(zip: Zip, { content }: TreeFile): Promise<FileBytes> {
  if (content.of === 'text') return whole(Buffer.from(content.text));
  const { entry } = content;
  if (content.of === 'script' && wantsInterpreter(await startOf(zip, entry))) {
    return whole(withInterpreter(await wholeEntry(zip, entry)));
  }
  return { size: entry.zip.size, chunks: contentOf(zip, entry) };
}

const whole = (bytes: Buffer): FileBytes => ({ size: bytes.length, chunks: [bytes] });

async function startOf(zip: Zip, entry: NamedEntry): Promise<Buffer> {
  for await (const chunk of contentOf(zip, entry)) return chunk;
  return Buffer.alloc(0);
}

/** All bytes of an entry that is a text. */
export async function wholeEntry(zip: Zip, entry: NamedEntry): Promise<Buffer> {
  if (entry.zip.size > limits.document) throw refused(entry.name, 'it is too long for a text');
  return buffer(contentOf(zip, entry));
}
