import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../host/failure.ts';
import { age, isRunning, partialFile, writeFailure } from '../host/partial-files.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';

/** A layout's index.json (image-spec, image-layout.md). */
export interface LayoutIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

/** Under which name a manifest is found. */
const refName = 'org.opencontainers.image.ref.name';

/** The lock is held for milliseconds; after this long, in ms, its owner is taken for dead. */
const staleAfter = 30_000;
const lockInterval = 20;

/** Reads index.json; a folder without one has no images. */
export async function readIndex(folder: string): Promise<LayoutIndex> {
  const path = join(folder, 'index.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyIndex();
    throw new Failure(`${path} could not be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    const index = JSON.parse(text) as LayoutIndex;
    if (Array.isArray(index.manifests)) return index;
  } catch {
    // said below
  }
  throw new Failure(`${path} is not the index of an OCI image layout.`, {
    tried: 'reading it as JSON with a list "manifests"',
    next: 'Write to another folder, or remove this one.',
  });
}

/** The manifest that a tag names. */
export function findTag(index: LayoutIndex, tag: string): Descriptor | undefined {
  return index.manifests.find(entry => entry.annotations?.[refName] === tag);
}

/** Points a tag at a manifest; other entries stay. Safe against other processes doing the same. */
export async function setTag(folder: string, tag: string, manifest: Descriptor): Promise<void> {
  const entry = { ...manifest, annotations: { ...manifest.annotations, [refName]: tag } };
  await locked(join(folder, 'index.json.lock'), async () => {
    const index = await readIndex(folder);
    const others = index.manifests.filter(each => each.annotations?.[refName] !== tag);
    await replaceFile(
      folder,
      'index.json',
      `${JSON.stringify({ ...index, manifests: [...others, entry] }, undefined, 2)}\n`,
    );
  });
}

/** Writes a file in one step: readers see the old or the new content. */
export async function replaceFile(folder: string, name: string, content: string): Promise<void> {
  const partial = partialFile(folder);
  try {
    await writeFile(partial, content);
    await rename(partial, join(folder, name));
  } catch (error) {
    await rm(partial, { force: true });
    throw writeFailure(error, join(folder, name));
  }
}

function emptyIndex(): LayoutIndex {
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
}

/** Works while holding a lock file, which says who holds it. */
async function locked(path: string, work: () => Promise<void>): Promise<void> {
  while (!(await takeLock(path))) await wait(lockInterval * (0.5 + Math.random()));
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(`${hostname()} ${process.pid}`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(error, path);
    if (await isStale(path)) await rm(path, { force: true });
    return false;
  }
}

/** Whether the lock's owner is gone: ended on this machine, or silent for long. */
async function isStale(path: string): Promise<boolean> {
  const [machine, pid] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
  if (machine === hostname() && pid !== undefined && !isRunning(Number(pid))) return true;
  return (await age(path, Date.now())) > staleAfter;
}
