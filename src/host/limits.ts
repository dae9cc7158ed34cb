// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Bytes of a nix.conf, or of a file that it includes. */
  confFile: 2 ** 20,
  /** Files that include each other, one below the other. */
  confIncludes: 16,
  /** Bytes of a netrc file; it has a line or three for each machine. */
  netrcFile: 2 ** 20,
  /** Bytes of a binary cache's /nix-cache-info, which has three short lines, or of a narinfo. */
  cacheAnswer: 64 * 2 ** 10,
  /** Attempts at the lock of a file that runs share, whose folder the last of them removes. */
  sharedFileAttempts: 5,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
  /** For all substituters together, which are asked at the same time whether they answer. */
  substituters: 5_000,
} as const;
