import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { withLock } from '../host/lock.ts';
import { writeOutput } from '../host/output-file.ts';
import { writeFailure } from '../host/partial-files.ts';
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

/** Stays in the folder, empty; tools that read layouts look for names of their own. */
const lockName = '.comfy-nix-lock';

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

/**
 * Points a tag at a manifest; other entries stay. Safe against other processes doing the same, of
 * whatever container. Rejects with a {@link Failure}, and with the signal's reason when that aborts
 * while another process is waited for.
 */
export async function setTag(
  folder: string,
  tag: string,
  manifest: Descriptor,
  host: Host,
): Promise<void> {
  const entry = { ...manifest, annotations: { ...manifest.annotations, [refName]: tag } };
  const lock = join(folder, lockName);
  await shareLock(folder, lock);
  await withLock(lock, { what: `the image layout ${folder}` }, host, async () => {
    const index = await readIndex(folder);
    const others = index.manifests.filter(each => each.annotations?.[refName] !== tag);
    const changed = { ...index, manifests: [...others, entry] };
    const text = `${JSON.stringify(changed, undefined, 2)}\n`;
    await writeOutput(join(folder, 'index.json'), text, host);
  });
}

/** Whoever may write to the folder may lock it: a layout can be shared by users of a group. */
async function shareLock(folder: string, lock: string): Promise<void> {
  try {
    const file = await open(lock, 'wx');
    try {
      const { mode } = await stat(folder);
      await file.chmod(mode & 0o666);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(error, lock);
  }
}

function emptyIndex(): LayoutIndex {
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
}
