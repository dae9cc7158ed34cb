import { readFile, stat } from 'node:fs/promises';
import { Failure } from './failure.ts';
import { limits } from './limits.ts';
import { unlessMissing } from './presence.ts';

/**
 * The text of a document that is read whole; undefined where there is none. Rejects with a
 * {@link Failure} where it cannot be read, or is larger than documents are (`limits.document`).
 */
export async function readDocument(file: string): Promise<string | undefined> {
  try {
    const stats = await stat(file).catch(unlessMissing);
    if (stats === undefined) return undefined;
    if (stats.size > limits.document) {
      throw new Error(`it has ${stats.size} bytes, and is no such file`);
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error as Error);
  }
}

/** The error for a file that cannot be read, for the reason that the system gives. */
export const unreadable = (file: string, cause: Error): Failure =>
  new Failure(`${file} could not be read: ${cause.message}`, {
    next: 'Check the path and its permissions.',
    cause,
  });
