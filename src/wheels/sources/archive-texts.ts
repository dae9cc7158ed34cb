import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { limits } from '../../host/limits.ts';
import { decompressAny } from '../../image/decompress.ts';
import { readTar } from '../../image/tar-reader.ts';
import { fileEntries } from '../tree/entries.ts';
import { withZip } from '../tree/zip.ts';
import { contentOf } from '../tree/zip-content.ts';
import type { SourceTexts } from './needs.ts';

/** Each in the one folder that an archive has, the last in any. */
const places: readonly (readonly [RegExp, keyof SourceTexts])[] = [
  [/^[^/]+\/pyproject\.toml$/, 'project'],
  [/^[^/]+\/requirements\.txt$/, 'list'],
  [/^[^/]+\/setup\.cfg$/, 'setup'],
  [/^[^/]+\/PKG-INFO$/, 'metadata'],
  [/\.egg-info\/requires\.txt$/, 'eggList'],
];

const roleOf = (path: string, size: number): keyof SourceTexts | undefined =>
  size > limits.document ? undefined : places.find(([pattern]) => pattern.test(path))?.[1];

/**
 * The texts of a source archive, a tar (packed or not) or a zip, that say what it needs.
 * @param name of the archive, for errors
 * @throws Failure where it can be no such archive
 */
export async function textsOfArchive(file: string, name: string): Promise<SourceTexts> {
  return /\.zip$/.test(name) ? textsOfZip(file, name) : textsOfTar(file, name);
}

async function textsOfTar(file: string, name: string): Promise<SourceTexts> {
  const found: SourceTexts = {};
  for await (const member of readTar(decompressAny(createReadStream(file), name), name)) {
    const role = member.type === 'file' ? roleOf(member.path, member.size) : undefined;
    if (role !== undefined) found[role] = await text(member.content());
  }
  return found;
}

function textsOfZip(file: string, name: string): Promise<SourceTexts> {
  return withZip(file, name, async zip => {
    const found: SourceTexts = {};
    for (const entry of fileEntries(zip)) {
      const role = roleOf(entry.name, entry.zip.size);
      if (role !== undefined) found[role] = await text(contentOf(zip, entry));
    }
    return found;
  });
}
