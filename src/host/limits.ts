// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Attempts at the lock of a file that runs share, whose folder the last of them removes. */
  sharedFileAttempts: 5,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
} as const;
