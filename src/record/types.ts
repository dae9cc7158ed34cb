import type { Origin, Phase, Transfer } from '../host/events.ts';

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

/** The record of one run: all that a report, or a later comparison, needs. */
export interface BuildRecord {
  /** Format of this document. */
  version: 1;
  outcome: 'success' | 'failure';
  /** The failure as people were shown it; absent on success. */
  failure?: string;
  /** Why nothing was pushed, as a sentence, where that was not the user's own wish. */
  notPushed?: string;
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
  warnings: string[];
}
