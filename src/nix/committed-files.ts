import { basename, join } from 'node:path';
import { limits } from '../host/limits.ts';
import { isThere, shortTextAt } from '../host/presence.ts';
import { turns } from '../host/turns.ts';
import { type AskGit, withoutFilters } from './quiet-git.ts';

/** A file, link or submodule that git knows. */
export interface KnownFile {
  /** "H": one that is looked at, and of which there is one version. */
  state: string;
  /** Octal; that of a submodule is 160000. */
  mode: string;
  /** Git's hash of what was committed. */
  object: string;
  /** From the repository's root. */
  path: string;
}

export const isSubmodule = ({ mode }: KnownFile) => mode === '160000';

/** The files of a repository; undefined where one of them is not as it was committed, byte by byte. */
export async function unchangedFiles(ask: AskGit, root: string): Promise<KnownFile[] | undefined> {
  const [listed, unfiltered] = await Promise.all([
    ask(root, 'ls-files', '-v', '--stage', '-z'),
    withoutFilters(ask, root),
  ]);
  const files = listed === undefined ? undefined : filesIn(listed);
  // git was told to believe of some that they are unchanged, or they are not here
  if (!files?.every(({ state }) => state === 'H') || !unfiltered) return undefined;
  const status = ['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=dirty'];
  if ((await ask(root, ...unfiltered, ...status)) !== '') return undefined;
  const folders = files.filter(isSubmodule).map(({ path }) => join(root, path));
  const mayLack = folders.length === 0 || !(await takesSubmodules(files, root));
  const submodules = await Promise.all(folders.map(each => isUnchanged(ask, each, mayLack)));
  return submodules.every(Boolean) && (await haveTheirBytes(ask, files, root)) ? files : undefined;
}

/** Whether a submodule is as it was committed. */
async function isUnchanged(ask: AskGit, folder: string, mayLack: boolean): Promise<boolean> {
  if (!(await isThere(join(folder, '.git')))) return mayLack;
  return (await unchangedFiles(ask, folder)) !== undefined;
}

/** Whether a flake may ask for its submodules (`inputs.self.submodules`): one that was not fetched counts then. */
async function takesSubmodules(files: readonly KnownFile[], root: string): Promise<boolean> {
  const texts = await textsOf('flake.nix', files, root);
  return texts.some(text => text?.includes('submodules') ?? true);
}

/**
 * Whether files are what was committed without a conversion, which depends on the machine: Nix takes them as
 * they are, and git has no change where line ends, LFS or another filter made others of them.
 */
async function haveTheirBytes(
  ask: AskGit,
  files: readonly KnownFile[],
  root: string,
): Promise<boolean> {
  const ordinary = files.filter(({ mode }) => mode.startsWith('100'));
  const parts = ordinary.flatMap((_, at) =>
    at % filesOfQuestion === 0 ? [ordinary.slice(at, at + filesOfQuestion)] : [],
  );
  const inTurn = turns(questionsAtOnce);
  const same = await Promise.all(
    parts.map(part =>
      inTurn(async () => {
        const paths = part.map(({ path }) => path);
        const hashes = await ask(root, 'hash-object', '--no-filters', '--', ...paths);
        return hashes === part.map(({ object }) => `${object}\n`).join('');
      }),
    ),
  );
  return same.every(Boolean);
}

/** As many paths as any system takes for one program's arguments. */
const filesOfQuestion = 200;
const questionsAtOnce = 4;

/** What `ls-files -v --stage -z` lists; undefined where that is not understood. */
function filesIn(listed: string): KnownFile[] | undefined {
  const rows = listed.split('\0').slice(0, -1);
  const files = rows.flatMap(row => {
    const [, state, mode, object, path] = /^(\S) (\d{6}) ([0-9a-f]+) \d\t(.+)$/s.exec(row) ?? [];
    return state && mode && object && path ? [{ state, mode, object, path }] : [];
  });
  return files.length === rows.length ? files : undefined;
}

/** Attributes by which files are made otherwise, or not at all; a macro may stand for any. */
const telling =
  /(^|\s)(\[attr\]|[-!]?(export-[\w-]+|text|crlf|binary|eol|ident|filter|working-tree-encoding)(=|\s|$))/m;

/** Whether no file is made otherwise in another place, as far as the files say. */
export async function haveNoAttributes(
  files: readonly KnownFile[],
  root: string,
): Promise<boolean> {
  const texts = await textsOf('.gitattributes', files, root);
  return texts.every(text => text !== undefined && !telling.test(text));
}

/** The texts of all files of a name; undefined for one that is too large or no file. */
function textsOf(name: string, files: readonly KnownFile[], root: string) {
  const named = files.filter(({ path }) => basename(path) === name);
  return Promise.all(named.map(({ path }) => shortTextAt(join(root, path), limits.document)));
}
