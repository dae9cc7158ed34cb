import type { Origin, Phase, Transfer } from '../host/events.ts';
import type { AuditRecord } from './audit.ts';

/** One blob of a layer. Sizes are bytes. */
export interface BlobRecord {
  digest: string;
  diffId: string;
  size: number;
  uncompressedSize: number;
  mediaType: string;
  transfer: Transfer;
}

/** What was done for one layer. */
export interface LayerRecord {
  name: string;
  /** The target's derivation; null for the layers that the program adds (config references, root). */
  target: string | null;
  outPath: string | null;
  /** Of the target's own output. */
  origin: Origin;
  /** Union of the intervals attributed to this layer: building, substituting, transferring. */
  seconds: number;
  /** Derivations built for this layer, by the machine that built each ("" is this one). */
  builtDerivations: { derivation: string; machine: string; seconds: number }[];
  substitutedPaths: string[];
  downloadBytes: number;
  blobs: BlobRecord[];
}

/** A span of the run as a whole; times are seconds since the run's start. */
export interface PhaseRecord {
  phase: Phase;
  start: number;
  seconds: number;
}

/** What came from a substituter. */
export interface SubstituterRecord {
  /** Its address, without a login. */
  cache: string;
  /** Store paths. */
  paths: number;
  /** Bytes of them as NARs, so unpacked. */
  narSize: number;
}

/** What a cache that is pushed to has taken. */
export interface PushRecord {
  /** As people know it: its Cachix name, or its address. */
  cache: string;
  /** Store paths. */
  pushed: number;
  failed: number;
  /** The first of those that failed. */
  failures: { path: string; reason: string }[];
}

/** What GitHub's cache had for a target that was missing. */
export interface RestoredRecord {
  /** The layer, or the flake's one target. */
  layer: string;
  /** `hit`: all that was built for it; `part`: what was built for its predecessor, or some of it. */
  found: 'hit' | 'part' | 'miss';
}

/** What caches gave and took. */
export interface CachesRecord {
  substituters: SubstituterRecord[];
  pushes: PushRecord[];
  /** Empty where GitHub's cache is not used, or was not needed. */
  github: RestoredRecord[];
  /** Caches that were named and not used. */
  leftOut: { cache: string; reason: string }[];
}

/** What a run needed of the disk. */
export interface DiskRecord {
  /** Each file system once; sizes are bytes. */
  fileSystems: {
    /** A folder on it. */
    folder: string;
    total: number;
    /** The most that was in use, and how much more that was than at the start. */
    peak: number;
    growth: number;
  }[];
  /** What was removed to make room. */
  reclaimed: string[];
}

/** The record of one run: all that a report, or a later comparison, needs. */
export interface BuildRecord {
  /** Format of this document. */
  version: 1;
  outcome: 'success' | 'failure';
  /** The failure as people were shown it; absent on success. */
  failure?: string;
  /** Why nothing was pushed, as a sentence, where that was not the user's own wish. */
  notPushed?: string;
  /** Why no token was used and caches got nothing, as a sentence: the code was a fork's. */
  notCached?: string;
  /** RFC 3339. */
  startedAt: string;
  seconds: number;
  program: string;
  nix: { version: string; system: string };
  flake: string;
  /** Absent when the run ended before there was one. `digest` is absent when nothing was pushed. */
  image?: {
    repository: string;
    digest?: string;
    tags: string[];
    mediaType: string;
    /** Sum over all layers as stored, and uncompressed. */
    size: number;
    uncompressedSize: number;
  };
  layers: LayerRecord[];
  phases: PhaseRecord[];
  /** Bytes of layers sent in this run. */
  sentBytes: number;
  /** Absent when the run ended before Nix was ready. */
  caches?: CachesRecord;
  disk?: DiskRecord;
  warnings: string[];
  /** Where packages come from, and what will hurt; absent where it was not looked at. */
  audit?: AuditRecord;
}
