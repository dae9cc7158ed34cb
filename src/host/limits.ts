// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** What is printed of texts of others, in characters, lines and (of a job's summary) bytes. */
  printed: { text: 4 * 1024 ** 2, line: 8192, lines: 20_000, document: 1_000_000 },
  /** Characters of one output of the action: GitHub takes 1 MiB of a job's outputs in all. */
  output: 500_000,
  /** Bytes of an event's payload; GitHub sends 25 MB at most. */
  eventPayload: 32 * 1024 ** 2,
  /** Bytes of what `main` leaves for `post`. */
  afterState: 16 * 1024 ** 2,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
} as const;
