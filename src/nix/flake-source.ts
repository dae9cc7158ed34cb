import { isAbsolute, resolve } from 'node:path';
import type { Host } from '../host/host.ts';
import { haveNoAttributes, isSubmodule, unchangedFiles } from './committed-files.ts';
import { quietGit, withoutFilters } from './quiet-git.ts';

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
  /** Whether commits before it are missing, as Nix counts them: `self.revCount`. */
  isShallow: boolean;
}

/**
 * What a flake is made from; undefined where it is not of a repository in a folder here, where files
 * have other bytes than in the last commit, and where git does not tell. Submodules count; files that git
 * does not know do not, as Nix does not take them. Nothing is run that the repository names.
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
  const asked = [
    ...['HEAD^{commit}', 'HEAD^{tree}', '--is-shallow-repository'],
    ...['--show-prefix', '--show-toplevel'],
  ];
  const named = await ask(resolve(cwd, flake.folder), 'rev-parse', ...asked);
  const [commit = '', tree = '', shallow, prefix = '', root = ''] = named?.split('\n') ?? [];
  if (!isObject(commit) || !isObject(tree) || !isAbsolute(root)) return undefined;
  const folder = prefix.replace(/\/$/, '');
  const files = await unchangedFiles(ask, root);
  if (files === undefined) return undefined;
  const isPlain = !files.some(isSubmodule) && (await haveNoAttributes(files, root));
  return { commit, tree, root, folder, isPlain, isShallow: shallow !== 'false' };
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
