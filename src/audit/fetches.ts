import type { Fetch } from './facts.ts';

/** A name with a version, as far as something says it. */
export interface NameAndVersion {
  name: string;
  version?: string;
}

/** A distribution's name as indexes compare it (PEP 503): "Flash_Attn" is "flash-attn". */
export function distributionName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/**
 * The distribution that a wheel's address, or its file name, says (PEP 427:
 * `name-version(-build)?-python-abi-platform.whl`); undefined for anything that is no wheel.
 */
export function wheelIn(address: string): Required<NameAndVersion> | undefined {
  const file = fileName(address);
  const [, name, version] = /^([^-]+)-([^-]+)(?:-\d[^-]*)?(?:-[^-]+){3}\.whl$/.exec(file) ?? [];
  if (name === undefined || version === undefined) return undefined;
  return { name: distributionName(name), version };
}

/** The wheel that is fetched, if one is. */
export function fetchedWheel(fetch: Fetch, name: string): Required<NameAndVersion> | undefined {
  return [...fetch.urls, name].map(wheelIn).find(wheel => wheel !== undefined);
}

/** The image that is pulled from a registry, and its digest: nixpkgs' and nix2container's `pullImage`. */
export function pulledImage(urls: readonly string[]): NameAndVersion | undefined {
  const [, name, digest] =
    /^docker:\/\/([\w./:-]+)(?:@(\w+:[0-9a-f]{32,}))?$/.exec(urls[0] ?? '') ?? [];
  return name === undefined ? undefined : named(name, digest);
}

/** What a source that is no wheel is called: its repository, else its file, else `name`. */
export function fetchedSource(
  urls: readonly string[],
  rev: string | undefined,
  name: string,
): NameAndVersion {
  const url = urls[0] ?? '';
  const [, repository] =
    /^(?:git\+)?https?:\/\/(?:github|gitlab|codeberg)\.\w+\/[^/]+\/([^/#?@]+)/.exec(url) ?? [];
  const [, archived] =
    /\/archive\/(?:refs\/(?:tags|heads)\/)?([^/]+?)\.(?:tar\.gz|zip)$/.exec(url) ?? [];
  const version = rev ?? archived;
  if (repository !== undefined) return named(repository.replace(/\.git$/, ''), version);
  const file = fileName(url) || name;
  const [, stem = file, number] =
    /^(.+?)-v?(\d[^-]*?)\.(?:tar\.\w+|tgz|zip)$/.exec(file) ??
    /^(.+?)\.(?:git|tar\.\w+|tgz|zip)$/.exec(file) ??
    [];
  return named(stem, number ?? version);
}

const named = (name: string, version: string | undefined): NameAndVersion =>
  version === undefined ? { name } : { name, version };

/** The last part of an address's path, with its escapes resolved. */
function fileName(address: string): string {
  const path = address.replace(/[#?].*$/s, '');
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** Extensions of what installs programs, and words for the machine that an archive was made for. */
const programArchive =
  /\.(?:whl|deb|rpm|run|AppImage)$|(?:^|[-_.])(?:x86[-_]64|amd64|x64|aarch64|arm64|sbsa|linux64)(?:[-_.]|$)/i;

/** Whether an address is that of programs that others have built: nobody names a machine for sources. */
export const isProgramArchive = (address: string) => programArchive.test(fileName(address));

/** Where NVIDIA's downloads come from; all of them are under licences of NVIDIA's own. */
export const isNvidiaDownload = (address: string) =>
  /^https?:\/\/developer\.(?:download\.)?nvidia\.com\//.test(address);

/** lib.fakeHash in any notation, or nothing: no download has it. */
export function isFakeHash(hash: string): boolean {
  const digest = hash.replace(/^sha\d+[-:]/, '');
  return /^(?:0*|A*={0,2})$/.test(digest);
}

const movingNames =
  '(?:main|master|develop|development|devel|dev|trunk|nightly|latest|stable|release|HEAD)';
const movingName = new RegExp(`^${movingNames}$`);
/** Where addresses of GitHub, GitLab and Hugging Face say a branch. */
const movingAddresses = [
  /\/archive\/refs\/heads\/(.+)\.(?:tar\.gz|zip)$/,
  new RegExp(`/archive/(${movingNames})(?:\\.tar\\.gz|\\.zip|/)`),
  new RegExp(`/(?:tarball|zipball|resolve|raw|blob)/(?:refs/heads/)?(${movingNames})(?:/|$)`),
  new RegExp(`//raw\\.githubusercontent\\.com/[^/]+/[^/]+/(?:refs/heads/)?(${movingNames})/`),
  /\/releases\/(latest)\/download\//,
  new RegExp(`\\.git@(${movingNames})(?:#|$)`),
];

/** The branch, or other name that moves, that a revision or an address says; undefined: none. */
export function movingReference(revision: string | undefined, urls: readonly string[]) {
  const [, branch] = /^refs\/heads\/(.+)$/.exec(revision ?? '') ?? [];
  if (branch !== undefined) return branch;
  if (revision !== undefined && movingName.test(revision)) return revision;
  for (const url of urls) {
    for (const pattern of movingAddresses) {
      const found = pattern.exec(url)?.[1];
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
