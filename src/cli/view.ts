import type { ProgressEvent } from '../host/events.ts';
import type { Look } from './paint.ts';

/** Shows a run while it works. */
export interface View {
  take(event: ProgressEvent): void;
  /** Shows a line that comes from no event. */
  say(text: string, look?: Look): void;
  /** Ends the view and leaves the terminal as it was. */
  close(): void;
}
