import { compare } from '@renovatebot/pep440';
import { Failure } from '../../host/failure.ts';
import { Unreachable } from '../../host/http/message.ts';
import type { Listing, OfferedFile } from '../index-page.ts';
import { type ArchivePin, type SourcePin, sriOf } from '../lock.ts';
import type { HashDownload } from '../pin.ts';
import type { WantedArchive, WantedSource } from '../wanted/source.ts';
import { fileNameOf, normalizeName } from '../wheel-name.ts';
import { parseArchiveName } from './archive-name.ts';

/**
 * The archive of a version that an index has.
 * @throws Unreachable where the index does not tell; Failure where it has none
 */
export function archiveIn(
  listing: Listing,
  name: string,
  version: string,
): OfferedFile & { source: string } {
  if (listing.kind === 'unreachable') throw new Unreachable(listing.reason);
  const archives = (listing.kind === 'files' ? listing.files : []).flatMap(file => {
    const named = parseArchiveName(file.filename);
    return named?.project === normalizeName(name) ? [{ file, version: named.version }] : [];
  });
  const found = archives.find(each => compare(each.version, version) === 0);
  if (found !== undefined && listing.kind === 'files') {
    return { ...found.file, source: listing.source };
  }
  const versions = archives.map(each => each.version).sort(compare);
  const there = versions.length > 0 ? `It has those of ${versions.join(', ')}.` : undefined;
  throw new Failure(`There is no source archive of ${name} ${version}.`, {
    evidence: [listing.kind === 'absent' ? listing.reason : (there ?? 'The index has none of it.')],
    next: `Correct [sources.${name}] in wheels.toml: another version, or url and ref of a repository.`,
  });
}

/** The version of a source, where its archive tells it. */
export function versionOf(source: WantedSource): string | undefined {
  if (source.kind === 'git') return undefined;
  const { from } = source;
  return 'url' in from ? parseArchiveName(fileNameOf(from.url))?.version : from.version;
}

/** The pin of an archive that the lock has, where nobody tells that it is another file now. */
export function knownArchive(
  file: OfferedFile,
  before: SourcePin | undefined,
): ArchivePin | undefined {
  if (before === undefined || 'rev' in before || before.url !== file.url) return undefined;
  const isSame = file.sha256 === undefined || sriOf(file.sha256) === before.hash;
  return isSame ? before : undefined;
}

/**
 * Pins an archive by its hash and by what it needs, which takes a download.
 * Rejects with a {@link Failure} where it is not the file that is told, or none that can be read.
 */
export async function pinArchive(
  { name }: WantedArchive,
  { url, sha256: told, source }: OfferedFile & { source?: string },
  hashDownload: HashDownload,
): Promise<ArchivePin> {
  const { sha256, size, needs } = await hashDownload(url);
  if (told !== undefined && told !== sha256) {
    throw new Failure(
      `${fileNameOf(url)} is not the file that is told. The lock was left as it is.`,
      {
        evidence: [`expected ${sriOf(told)}`, `found    ${sriOf(sha256)} at ${url}`],
        next: 'Do not use this file before you know why.',
      },
    );
  }
  if (needs === undefined || 'refused' in needs) {
    throw new Failure(`The source ${name} cannot be read: ${needs?.refused}`, {
      evidence: [url],
      next: `Correct [sources.${name}] in wheels.toml, or the line that names it.`,
    });
  }
  const version = parseArchiveName(fileNameOf(url))?.version;
  const origin = source === undefined ? {} : { source };
  return {
    ...{ url, ...(version === undefined ? {} : { version }), hash: sriOf(sha256), size, ...origin },
    ...{ digest: told === undefined || source === undefined ? 'download' : 'index', ...needs },
  };
}
