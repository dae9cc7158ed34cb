import type { Arbitrary } from 'fast-check';

/** A reader of foreign bytes, and what it is fuzzed with. Files of `readers/` export lists of them. */
export interface FuzzedReader<Case = unknown> {
  /** What is read, in the words of a test's title. */
  name: string;
  /** Cases near to what is right: mutated good ones reach deeper than random bytes. */
  cases: Arbitrary<Case>;
  /** Reads one case. Any value is right, and so is one `Failure`; nothing else may be thrown. */
  read(input: Case): unknown;
  /** Cases that once broke it, tried first. */
  broken?: readonly Case[];
}

/** States a reader with the type of its cases, which a list of readers cannot keep. */
export function fuzzed<Case>(reader: FuzzedReader<Case>): FuzzedReader {
  return reader as unknown as FuzzedReader;
}
