import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hashTree } from '../../src/wheels/tree/hash.ts';
import { patchPython } from '../../test/integration/templates/stand-in.ts';
import type { RealProject, WheelPin } from './project.ts';

/** A file of an index's page in JSON (PEP 691). */
interface IndexFile {
  filename: string;
  url: string;
  hashes: { sha256: string };
  size: number;
}

/** What follows one after the other, each built upon the one before. */
export const changes: Record<string, (project: RealProject, folder: string) => Promise<void>> = {
  'a Python patch release': (_, folder) => patchPython(join(folder, 'nixpkgs-moved')),
  'a new ComfyUI': project => project.updateComfyUI('0.34.0'),
  'cuDNN bump': (project, folder) =>
    project.updateWheels(async pins => {
      const name = 'nvidia-cudnn-cu13';
      const wheel = await newestOf(name, pins[name], /-py3-none-manylinux.*x86_64/, folder);
      return { ...pins, [name]: { ...wheel, layer: 'cuda' } };
    }),
  'one package added': (project, folder) =>
    project.updateWheels(async pins => {
      const wheel = await newestOf('humanize', pins.torch, /-py3-none-any/, folder);
      return { ...pins, humanize: { ...wheel, layer: 'dependencies' } };
    }),
};

/**
 * The newest wheel of a project, with the hash of its tree.
 *
 * @param like a pin of the index that is asked
 * @param pattern which of a version's wheels
 */
async function newestOf(
  name: string,
  like: WheelPin | undefined,
  pattern: RegExp,
  folder: string,
): Promise<Omit<WheelPin, 'layer'>> {
  const source = like?.source ?? '';
  const headers = { accept: 'application/vnd.pypi.simple.v1+json' };
  const page = await (await fetch(`${source}/${name}/`, { headers })).json();
  const { versions, files } = page as { versions: string[]; files: IndexFile[] };
  const wheels = files.filter(
    file => file.filename.endsWith('.whl') && pattern.test(file.filename),
  );
  const versionOf = (file: IndexFile) => file.filename.split('-')[1] ?? '';
  const order = (version: string) =>
    version
      .split('.')
      .map(part => part.padStart(8, '0'))
      .join('.');
  const known = wheels.filter(
    file => versions.includes(versionOf(file)) && /^[\d.]+$/.test(versionOf(file)),
  );
  const [newest] = known.toSorted((a, b) => (order(versionOf(a)) < order(versionOf(b)) ? 1 : -1));
  if (newest === undefined) throw new Error(`${source} has no wheel of ${name}`);
  return {
    version: versionOf(newest),
    url: new URL(newest.url, `${source}/${name}/`).href,
    hash: `sha256-${Buffer.from(newest.hashes.sha256, 'hex').toString('base64')}`,
    ...{ size: newest.size, source },
    unpacked: await treeHashOf(newest, `${folder}/${newest.filename}`),
  };
}

/** Downloads a wheel for its tree's hash, as prefetch does. */
async function treeHashOf({ url, filename }: IndexFile, file: string): Promise<string> {
  const { body } = await fetch(url);
  if (body === null) throw new Error(`${filename}: nothing came`);
  await pipeline(Readable.fromWeb(body as never), createWriteStream(file));
  const { unpacked } = await hashTree(file, filename);
  await rm(file);
  return unpacked;
}
