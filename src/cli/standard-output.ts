import { resolve } from 'node:path';
import { Failure } from '../host/failure.ts';
import { isStandardOutput } from '../host/output-place.ts';
import type { RawInputs } from '../inputs/table.ts';
import type { Telling } from './arguments.ts';

/** What a verb writes to standard output by itself, by its sign or by a name such as /dev/stdout. */
type Taken = 'image' | 'record' | 'trace' | 'page';

/**
 * What the inputs have put on standard output, which is then all of it; undefined: nothing.
 * Rejects with a `Failure` with exit code 2 where the flags ask for something else there as well.
 */
export async function standardOutputOf(
  { raw, telling }: { raw: RawInputs; telling: Telling },
  currentDirectory: string,
): Promise<Taken | undefined> {
  const taken = await takenBy(raw, currentDirectory);
  if (!telling.json || taken === undefined) return taken;
  throw new Failure(
    `The flag --json writes to standard output, which takes the ${taken} already.`,
    {
      next:
        taken === 'image' || taken === 'record'
          ? 'Write the record to a file, by --record FILE.'
          : `Write the ${taken} to a file.`,
      exitCode: 2,
    },
  );
}

async function takenBy(raw: RawInputs, currentDirectory: string): Promise<Taken | undefined> {
  const { image, destination, record, trace, html: page } = raw;
  const { 'working-directory': folder = '.' } = raw;
  for (const place of [image, destination]) {
    const [, archive] = /^docker-archive:(.+)$/s.exec(place ?? '') ?? [];
    if (place === '-') return 'image';
    const file = archive && resolve(currentDirectory, folder, archive);
    if (file && (await isStandardOutput(file))) return 'image';
  }
  for (const [taken, file] of Object.entries({ record, trace, page })) {
    if (file && (await isStandardOutput(resolve(currentDirectory, file)))) return taken as Taken;
  }
  return undefined;
}
