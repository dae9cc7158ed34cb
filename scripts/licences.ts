// The licences of what dist/ bundles, as dist/licenses.txt: minifying drops the comments that carry them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputChunk } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));

/** SPDX's names of licences that allow what dist/ does with a package: it is shipped with its notices. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** A package of which the bundle holds some bytes. */
export interface BundledPackage {
  name: string;
  version: string;
  /** An SPDX expression, as package.json has it. */
  license: string;
  /** Who wrote it, as package.json has it; may be empty. */
  author: string;
  /** Relative to the repository. */
  folder: string;
  /** Its files that the bundle holds, relative to the repository. */
  files: readonly string[];
}

/** The packages that a bundle holds, by folder. */
export function bundledPackages(chunks: readonly OutputChunk[]): BundledPackage[] {
  const files = new Map<string, Set<string>>();
  for (const [id, { renderedLength }] of chunks.flatMap(({ modules }) => Object.entries(modules))) {
    const file = relative(root, id);
    const [folder] = /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    if (folder === undefined || renderedLength === 0) continue;
    files.set(folder, (files.get(folder) ?? new Set()).add(file));
  }
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, of]) => describe(folder, of));
}

function describe(folder: string, files: ReadonlySet<string>): BundledPackage {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  ) as { name: string; version: string; license?: string; author?: string | { name: string } };
  return {
    name,
    version,
    license: license ?? 'none',
    author: (typeof author === 'object' ? author.name : author) ?? '',
    folder,
    files: [...files].sort(),
  };
}

/** Whether each licence that an expression such as "(MIT OR Apache-2.0)" names is on the list. */
export function isAllowed(expression: string): boolean {
  const names = expression.split(/[\s()]+/).filter(word => !['', 'AND', 'OR'].includes(word));
  return names.length > 0 && names.every(name => allowed.has(name));
}

/** The line that a package's part of the file begins with. */
export const headingOf = ({ name, version, license }: BundledPackage): string =>
  `${name} ${version} (${license})`;

/** The whole file. Throws where a package's licence is not on the list, or its text is nowhere. */
export function licences(packages: readonly BundledPackage[]): string {
  return `${packages.map(licenceOf).join('\n\n---\n\n')}\n`;
}

/**
 * What is to be shipped with one package: the texts in its folder and beside its bundled files, its
 * NOTICE, and the notices of others inside those files.
 */
function licenceOf(of: BundledPackage): string {
  if (!isAllowed(of.license)) {
    throw new Error(
      `${headingOf(of)}: this licence is not on the list in scripts/licences.ts. Read it, and add it there.`,
    );
  }
  const texts = licenceFiles(of).map(file => readFileSync(join(root, file), 'utf8').trim());
  if (!texts.some(isWholeText)) texts.push(standardText(of));
  const notices = noticesIn(of).filter(notice => !texts.some(text => text.includes(notice)));
  if (notices.length > 0) texts.push('Notices in its files:', ...notices);
  return [headingOf(of), ...texts].join('\n\n');
}

const licenceFileName = /^(licen[cs]e|copying|notice)/i;

/** Files with licences in the folders from the package's own down to those of bundled files. */
function licenceFiles({ folder, files }: BundledPackage): string[] {
  const folders = new Set([folder]);
  for (const file of files) {
    for (let at = dirname(file); at.length > folder.length; at = dirname(at)) folders.add(at);
  }
  return [...folders].sort().flatMap(at =>
    readdirSync(join(root, at), { withFileTypes: true })
      .filter(entry => entry.isFile() && licenceFileName.test(entry.name))
      .map(entry => join(at, entry.name))
      .sort(),
  );
}

/** A licence says what its user is free of; a file that points elsewhere does not. */
const isWholeText = (text: string): boolean => /warrant(y|ies)|as is/i.test(text);

/** SPDX's text, for a package that names its licence and ships none. */
function standardText(of: BundledPackage): string {
  const file = join(root, 'scripts/licences', `${of.license}.txt`);
  if (!existsSync(file)) {
    throw new Error(`${headingOf(of)} ships no licence: put SPDX's text into ${file}.`);
  }
  const holders = of.author.replace(/\s*\(http.*\)$/, '') || `the authors of ${of.name}`;
  return readFileSync(file, 'utf8').trim().replace('<copyright holders>', holders);
}

const comment = /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+/gm;
const isNotice = (text: string): boolean =>
  /copyright (\(c\)|©|\d{4}|\w+,? (inc|llc))|copyright ?\(c\)|\bMIT licen[cs]e|licensed under|under the terms of the .*licen[cs]e/i.test(
    text,
  );

/** Comments in the package's bundled files that say whose they are, each once. */
function noticesIn({ files }: BundledPackage): string[] {
  const comments = files.flatMap(
    file => readFileSync(join(root, file), 'utf8').match(comment) ?? [],
  );
  return [...new Set(comments.filter(isNotice).map(plainText))];
}

/** A comment without the marks that make it one. */
function plainText(text: string): string {
  const lines = text
    .trim()
    .split('\n')
    .map(line =>
      line
        .trim()
        .replace(/^(\/\*+!?|\*+\/|\*|\/\/+) ?/, '')
        .replace(/\s*\*\/$/, ''),
    );
  return lines.join('\n').trim();
}
