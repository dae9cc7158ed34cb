import type { ProgressEvent } from '../host/events.ts';

/** Shows a run while it works. */
export interface View {
  take(event: ProgressEvent): void;
  /** Ends the view and leaves the terminal as it was. */
  close(): void;
}
