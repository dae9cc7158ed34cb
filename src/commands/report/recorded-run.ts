import type { BuildRecord } from '../../record/types.ts';

/** A run as it was recorded, and what is known of those before it. */
export interface RecordedRun {
  record: BuildRecord;
  /** The run that it is compared with. */
  previous?: BuildRecord | undefined;
  /** Runs of the same image before it, newest first. */
  earlier: readonly BuildRecord[];
}
