import type { GithubCacheState } from '../caches/github-cache.ts';
import type { Origin, Phase } from '../host/events.ts';
import { Failure, type FailureDetails } from '../host/failure.ts';
import type { Descriptor } from '../image/types.ts';
import type { OutputValues } from '../inputs/outputs.ts';
import type { AuditRecord, Finding } from '../record/audit.ts';
import type { BuildRecord, PlanRecord, WhyRecord } from '../record/types.ts';

/** What a verb hands back to its face. */
export interface VerbOutcome {
  /** For the summary and the table; absent for verbs that build nothing. */
  record?: BuildRecord;
  /** The record of the run that it is compared with: the last one of the same image on the branch that counts. */
  previous?: BuildRecord;
  /** What a verb that builds nothing has to tell, for a terminal and for a summary. */
  report?: { text: string; markdown: string };
  /** What an audit has found, where there is no record that has it. */
  audit?: AuditRecord;
  /** The record of the run that was told of, which is not this one's. */
  told?: BuildRecord;
  /** What builds would do. */
  plan?: PlanRecord;
  /** Why layers would be made anew. */
  why?: WhyRecord;
  /** With which a verb that has done its work ends; absent: 0. */
  exitCode?: number;
  /** Values for later steps. */
  outputs: OutputValues;
  /** What later steps need of the environment, such as a Nix that was installed. */
  exports?: { path: readonly string[]; env: Readonly<Record<string, string>> };
  /** What is left to do at the end of the job. */
  after?: AfterState;
}

/**
 * What the action's main phase hands to `post`, in a private file: plain JSON, without secrets, and with
 * no file or program to be run. `after-state.ts` says how each field is checked.
 */
export interface AfterState {
  /** Later steps may build: what is new since then is pushed. Milliseconds since the epoch. */
  builtSince?: number;
  /** What GitHub's cache is to keep. */
  github?: GithubCacheState;
  /** The name of the job's part of the machine's files, which is taken back. */
  part?: string;
}

/** A layer as the output `layers` shows it; sizes are bytes as stored. */
interface LayerOutput {
  name: string;
  origin: Origin;
  seconds: number;
  size: number;
  sent: number;
}

/** An image as docker/build-push-action tells it. */
interface ImageMetadata {
  'containerimage.config.digest': string;
  'containerimage.descriptor': Descriptor;
  'containerimage.digest': string;
  /** `name:tag`, by commas. */
  'image.name': string;
}

/** What `build` hands back when it succeeded. */
export interface BuildOutcome extends VerbOutcome {
  record: BuildRecord;
  outputs: {
    /** The repository. */
    name: string;
    digest?: string;
    /** `name@digest`. */
    ref?: string;
    tags: string[];
    /** The config's digest; this and `metadata` and `size` are absent where nothing was pushed. */
    imageid?: string;
    metadata?: ImageMetadata;
    /** Bytes of all layers as stored. */
    size?: number;
    /** Whether every layer was. */
    reused?: boolean;
    layers: LayerOutput[];
    /** Seconds of each phase, and of all. */
    timings: Partial<Record<Phase | 'total', number>>;
    /** The record's file, absolute. */
    record?: string;
    findings?: Finding[];
    /** Percent. */
    reproducible?: number;
  };
}

/** A failure of a verb that came some way, so that the face can still hand back what was done. */
export class VerbFailure extends Failure {
  readonly outcome: VerbOutcome;

  constructor(message: string, outcome: VerbOutcome, details: FailureDetails = {}) {
    super(message, details);
    this.name = 'VerbFailure';
    this.outcome = outcome;
  }
}

/** The same failure with what was done; anything that is no failure stays what it is. */
export function withOutcome(error: unknown, outcome: VerbOutcome): unknown {
  return error instanceof Failure ? new VerbFailure(error.message, outcome, error.details) : error;
}
