// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Links that are followed one after the other, as the kernel does. */
  links: 40,
  /** Bytes of a file that people edit or that this program keeps beside it: wheels.toml, a lock, a record. */
  document: 16 * 2 ** 20,
  /** Variants of one wheels.toml; each is a set of wheels. */
  variants: 500,
  /** Characters of a PEP 440 version or range, or of one requirement of a wheel. */
  requirement: 1_000,
  /** Lines `Requires-Dist` of one wheel. */
  requirements: 10_000,
  /** Characters of a file's name: what file systems take. */
  fileName: 255,
  /** Files on one page of a package index; PyPI's largest projects have some ten thousand. */
  indexFiles: 200_000,
  /** Levels of elements that an index page may have, and attributes of one of them. */
  htmlDepth: 256,
  htmlAttributes: 100,
  /** Names that are looked through for the nearest one, and characters of each that count. */
  nearestNames: 2_000,
  nearestLength: 120,
  /** Names of keys in one narinfo that are told to people. */
  signatures: 10,
  /** Characters of what Nix says that are searched for what this program knows. */
  message: 64 * 1024,
  /** Levels of lists in an attribute of a derivation. */
  attributeDepth: 16,
  /** Bytes of a derivation; those of whole systems have some hundred kilobytes. */
  derivation: 64 * 2 ** 20,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
  /** Until a download that was left is removed: nobody comes back for it. */
  forDownload: 24 * 3600 * 1000,
  /** For a program that opens the other end of a pipe. */
  reader: 60_000,
} as const;
