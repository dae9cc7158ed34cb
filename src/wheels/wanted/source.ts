/** A Git repository at a revision. */
export interface WantedGit {
  kind: 'git';
  name: string;
  url: string;
  ref: string;
  /** Whether it is a package of Python that is built and installed. */
  isPackage: boolean;
  /** Whether what it requires is asked for as well. */
  isAsked: boolean;
}

/** A source archive (PEP 517, "sdist"), which is built and installed, and whose requirements are asked for. */
export interface WantedArchive {
  kind: 'archive';
  name: string;
  /** Its address, with its sha256 in hex where that is told; or a version, as an index has it. */
  from: { url: string; sha256?: string | undefined } | { version: string; index: string };
}

export type WantedSource = WantedGit | WantedArchive;

/** Whether an address is that of a source archive. */
export const isArchive = (url: string): boolean =>
  /^https?:/.test(url) && /\.(tar\.gz|tgz|zip)$/.test(URL.parse(url)?.pathname ?? '');
