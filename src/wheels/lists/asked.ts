import type { WrittenRequirement } from '../requirements.ts';
import type { WantedSource } from '../wanted/source.ts';

/** A requirement that a list asks for. */
export interface Asked extends WrittenRequirement {
  /** "pak3.txt:12" */
  place: string;
  /** As it stands there. */
  text: string;
  /** Hex sha256 of the files that it may be; none: any. */
  hashes: readonly string[];
}

/** A source that a list asks for; its name is normalised. */
export type AskedSource = WantedSource & { place: string };

/** What lists ask for. */
export interface Lists {
  requirements: Asked[];
  /** Of what is installed anyway, the versions that it may have (`-c`). */
  constraints: Asked[];
  sources: AskedSource[];
  /** Indexes beside the one of wheels.toml, each once. */
  indexes: string[];
  /** Lines that cannot be taken, each with its place and what to write instead, as sentences. */
  problems: string[];
}

export const noLists = (): Lists => ({
  requirements: [],
  constraints: [],
  sources: [],
  indexes: [],
  problems: [],
});
