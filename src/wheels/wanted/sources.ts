import { type Document, wrongAt } from '../document.ts';
import type { SourceRules } from './schema.ts';
import { isArchive, type WantedSource } from './source.ts';

/**
 * A source as a table `[sources.NAME]` has it.
 * @param indexOf the address of an index, or of the usual one
 * @throws Failure where the table tells too little, or two things
 */
export function sourceOf(
  name: string,
  rules: SourceRules,
  indexOf: (named: string | undefined) => string,
  document: Document,
): WantedSource {
  const { url, ref, version, index, package: isPackage = false } = rules;
  const wrong = (key: string, problem: string) =>
    wrongAt(document, ['sources', name, key], problem);
  if (version !== undefined) {
    if (url !== undefined) throw wrong('version', 'an address is given as well; keep one.');
    return { kind: 'archive', name, from: { version, index: indexOf(index) } };
  }
  if (index !== undefined) throw wrong('index', 'it has the archive of a version; write version.');
  if (url === undefined) {
    throw wrong(
      'url',
      'it is missing: a repository, with ref, or a source archive; or write version.',
    );
  }
  if (ref === undefined && isArchive(url)) return { kind: 'archive', name, from: { url } };
  if (ref === undefined) throw wrong('ref', 'it is missing');
  return { kind: 'git', name, url, ref, isPackage, isAsked: isPackage };
}
