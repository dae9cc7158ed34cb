/** The steps of a run, in order. */
export type Phase = 'install' | 'evaluate' | 'remember' | 'realise' | 'push' | 'finish';

/**
 * Where the output of a layer's target came from; of a layer that was not finished, why: `failed`, or
 * `cancelled` because something else failed or the run was.
 */
export type Origin =
  | 'built'
  | 'substituted'
  | 'local'
  | 'reused'
  | 'skipped'
  | 'failed'
  | 'cancelled';

/** What time was spent on: `src/record/span-schema.ts` says what each means. */
export type SpanKind =
  | 'set-up'
  | 'install'
  | 'inputs'
  | 'evaluate'
  | 'memory-read'
  | 'store'
  | 'plan'
  | 'restore'
  | 'nix'
  | 'build'
  | 'substitute'
  | 'pack'
  | 'compress'
  | 'upload'
  | 'presence'
  | 'manifest'
  | 'tag'
  | 'memory-write'
  | 'cache-push'
  | 'audit'
  | 'wait'
  | 'finish';

/** What was done with a blob. */
export type Transfer = 'uploaded' | 'present' | 'mounted';

/** How many of a number are done with. */
export interface Count {
  done: number;
  expected: number;
}

/**
 * What a run tells its face while it works. Times are milliseconds since the epoch (`at`), sizes are
 * bytes. `layer` is a layer's name; it is absent where work belongs to no layer.
 */
export type ProgressEvent =
  | { type: 'phase-start'; phase: Phase; at: number }
  | { type: 'phase-end'; phase: Phase; at: number }
  /** The layers of the image, in order, and which of them the registry already holds. */
  | {
      type: 'plan';
      layers: readonly { name: string; reused: boolean; shipped: boolean }[];
      at: number;
    }
  | { type: 'build-start'; derivation: string; machine: string; layer?: string; at: number }
  | { type: 'build-log'; derivation: string; line: string; layer?: string; at: number }
  | { type: 'build-end'; derivation: string; failed: boolean; layer?: string; at: number }
  | { type: 'substitute-start'; path: string; cache: string; layer?: string; at: number }
  /** `narSize` is absent where nothing came: the next substituter is asked, or it is built. */
  | { type: 'substitute-end'; path: string; narSize?: number; layer?: string; at: number }
  /** Bytes of all downloads by Nix so far, and as many as it expects. */
  | { type: 'download'; done: number; expected: number; at: number }
  /** Derivations that are built by now and paths that are fetched, and how many Nix expects so far. */
  | { type: 'counts'; built: Count; fetched: Count; at: number }
  /** The layer's own target is there. */
  | { type: 'layer-realised'; layer: string; origin: Origin; at: number }
  | { type: 'transfer-start'; layer: string; blob: number; uncompressedSize?: number; at: number }
  | {
      type: 'transfer-progress';
      layer: string;
      blob: number;
      read: number;
      sent: number;
      at: number;
    }
  | {
      type: 'transfer-end';
      layer: string;
      blob: number;
      transfer: Transfer;
      size: number;
      /** Bytes of the tar that was read for it. */
      uncompressedSize?: number;
      digest?: string;
      at: number;
    }
  | { type: 'layer-end'; layer: string; at: number }
  /** Work that has ended and that no other event tells of; `at` is its end. */
  | {
      type: 'span';
      kind: SpanKind;
      layer?: string;
      /** What it was about: a derivation, a store path, a digest, a tag, a cache. */
      detail?: string;
      bytes?: number;
      /** Milliseconds of it that the blob's other stages waited for this one. */
      busy?: number;
      /** Absent where it came to its end. */
      ended?: 'failed' | 'cancelled';
      startedAt: number;
      at: number;
    }
  | { type: 'notice'; message: string; at: number }
  | { type: 'warning'; message: string; at: number };

/** Takes one event. It must not throw, and does its own buffering. */
export type Emit = (event: ProgressEvent) => void;
