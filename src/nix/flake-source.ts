import { basename, isAbsolute, join, resolve } from 'node:path';
import type { Host } from '../host/host.ts';
import { limits } from '../host/limits.ts';
import { isThere, shortTextAt } from '../host/presence.ts';
import { type AskGit, quietGit, withoutFilters } from './quiet-git.ts';

/** A flake of a folder here, as an installable names it. */
export interface LocalFlake {
  /** As it is written: it begins with a dot. */
  folder: string;
  /** `?dir=`, as it is written. */
  dir?: string;
  attribute?: string;
}

/** What an installable such as ".?dir=images#comfyui" names; undefined where it is, or asks, something else. */
export function localFlake(installable: string): LocalFlake | undefined {
  const parts = /^(\.{1,2}(?:\/[^?#]*)?)(?:\?dir=([^&?#]+))?(?:#(.*))?$/s.exec(installable);
  const [, folder, dir, attribute] = parts ?? [];
  if (folder === undefined) return undefined;
  return { folder, ...(dir ? { dir } : {}), ...(attribute ? { attribute } : {}) };
}

/** The commit that a flake is of, where its repository's files are just those of that commit. */
export interface FlakeSource {
  /** Git's hash of the commit, … */
  commit: string;
  /** … and of the tree of the repository's root. */
  tree: string;
  /** The repository's root, absolute. */
  root: string;
  /** From there to the flake's folder; empty where that is the root. */
  folder: string;
  /** Whether the tree alone decides what files are made of it: no attributes, no submodules. */
  isPlain: boolean;
}

/**
 * What a flake is made from; undefined where it is not of a repository in a folder here, where files
 * differ from the last commit or may do so unseen, and where git does not tell. Submodules count; files
 * that git does not know do not, as Nix does not take them. Nothing is run that the repository names.
 * Rejects for an interrupt alone.
 */
export async function flakeSource(
  installable: string,
  cwd: string,
  host: Host,
): Promise<FlakeSource | undefined> {
  const flake = localFlake(installable);
  if (flake === undefined) return undefined;
  const ask = quietGit(host);
  const asked = ['HEAD^{commit}', 'HEAD^{tree}', '--show-prefix', '--show-toplevel'];
  const named = await ask(resolve(cwd, flake.folder), 'rev-parse', ...asked);
  const [commit = '', tree = '', folder = '', root = ''] = named?.split('\n') ?? [];
  if (!isObject(commit) || !isObject(tree) || !isAbsolute(root)) return undefined;
  const files = await unchangedFiles(ask, root);
  if (files === undefined) return undefined;
  const isPlain = !files.some(isSubmodule) && (await haveNoAttributes(files, root));
  return { commit, tree, root, folder: folder.replace(/\/$/, ''), isPlain };
}

/** Writes the files of a source that is plain into a folder, which is made; false where git does not. */
export async function writeFiles(
  { root }: FlakeSource,
  folder: string,
  host: Host,
): Promise<boolean> {
  const ask = quietGit(host);
  const unfiltered = await withoutFilters(ask, root);
  if (unfiltered === undefined) return false;
  const asTheyAre = ['-c', 'core.autocrlf=false'];
  const write = ['checkout-index', '--all', `--prefix=${folder}/`];
  return (await ask(root, ...unfiltered, ...asTheyAre, ...write)) !== undefined;
}

const isObject = (text: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/** A file, link or submodule that git knows. */
interface KnownFile {
  /** "H": one that is looked at, and of which there is one version. */
  state: string;
  /** Octal; that of a submodule is 160000. */
  mode: string;
  /** From the repository's root. */
  path: string;
}

const isSubmodule = ({ mode }: KnownFile) => mode === '160000';

/** The files of a repository; undefined where one of them is not as it was committed. */
async function unchangedFiles(ask: AskGit, root: string): Promise<KnownFile[] | undefined> {
  const [listed, unfiltered] = await Promise.all([
    ask(root, 'ls-files', '-v', '--stage', '-z'),
    withoutFilters(ask, root),
  ]);
  const files = listed === undefined ? undefined : filesIn(listed);
  // git was told to believe of some that they are unchanged, or they are not here
  if (!files?.every(({ state }) => state === 'H') || !unfiltered) return undefined;
  const status = ['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=dirty'];
  const folders = files.filter(isSubmodule).map(({ path }) => join(root, path));
  const [changes, ...submodules] = await Promise.all([
    ask(root, ...unfiltered, ...status),
    ...folders.map(folder => isUnchanged(ask, folder)),
  ]);
  return changes === '' && submodules.every(Boolean) ? files : undefined;
}

/** Whether a submodule is as it was committed; one that was not fetched is. */
async function isUnchanged(ask: AskGit, folder: string): Promise<boolean> {
  if (!(await isThere(join(folder, '.git')))) return true;
  return (await unchangedFiles(ask, folder)) !== undefined;
}

/** What `ls-files -v --stage -z` lists; undefined where that is not understood. */
function filesIn(listed: string): KnownFile[] | undefined {
  const rows = listed.split('\0').slice(0, -1);
  const files = rows.flatMap(row => {
    const [, state, mode, path] = /^(\S) (\d{6}) [0-9a-f]+ \d\t(.+)$/s.exec(row) ?? [];
    return state && mode && path ? [{ state, mode, path }] : [];
  });
  return files.length === rows.length ? files : undefined;
}

/** Attributes by which files are made otherwise, or not at all; a macro may stand for any. */
const telling =
  /(^|\s)(\[attr\]|[-!]?(export-[\w-]+|text|crlf|binary|eol|ident|filter|working-tree-encoding)(=|\s|$))/m;

async function haveNoAttributes(files: readonly KnownFile[], root: string): Promise<boolean> {
  const named = files.filter(({ path }) => basename(path) === '.gitattributes');
  const texts = await Promise.all(
    named.map(({ path }) => shortTextAt(join(root, path), limits.document)),
  );
  return texts.every(text => text !== undefined && !telling.test(text));
}
