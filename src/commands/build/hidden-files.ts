import { readFile } from 'node:fs/promises';
import { namedAt } from '../../host/presence.ts';
import { visible } from '../../host/visible.ts';
import type { HiddenFile } from '../../image/root-layer.ts';

/** Files that are named in the warning about those that are not in the image. */
const namedFiles = 5;

/** Larger files are taken for different ones, bytes: wheels share `__init__.py` and licences. */
const compared = 2 ** 20;

/**
 * A warning about files that are not in the image, since another source of their folder has another file
 * there; undefined where all are the same as what is there.
 * @param place where the store is, if that is not at /
 * @param isMade whether the layer is made anew: what is in no store here was told about then
 */
export async function warningOf(
  hidden: readonly HiddenFile[],
  place: string | undefined,
  isMade: boolean,
): Promise<string | undefined> {
  const kinds = await Promise.all(hidden.map(file => compare(file, place)));
  const told = hidden.filter(
    (_, at) => kinds[at] === 'differs' || (kinds[at] === 'unseen' && isMade),
  );
  if (told.length === 0) return undefined;
  const named = told
    .slice(0, namedFiles)
    .map(({ path, taken, hidden: other }) => visible(`${path} is ${taken}, and not ${other}`));
  const rest = told.length - named.length;
  const more = rest > 0 ? `; and ${rest} more` : '';
  return `Several sources of a folder have the same file: ${named.join('; ')}${more}.`;
}

async function compare(
  { taken, hidden }: HiddenFile,
  place: string | undefined,
): Promise<'same' | 'differs' | 'unseen'> {
  const files = [`${place ?? ''}${taken}`, `${place ?? ''}${hidden}`];
  const [first, second] = await Promise.all(files.map(namedAt));
  if (first === undefined || second === undefined) return 'unseen';
  const isSmall = first.isFile() && second.isFile() && first.size <= compared;
  if (!isSmall || first.size !== second.size) return 'differs';
  const [a, b] = await Promise.all(files.map(file => readFile(file)));
  return a !== undefined && b !== undefined && a.equals(b) ? 'same' : 'differs';
}
