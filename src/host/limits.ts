// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Links that are followed one after the other, as the kernel does. */
  links: 40,
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
