// What a worker tells people in passing, stamped with the time at which it was said.

import type { Host } from './host.ts';

/** Something that people should know and need not act on: one sentence. */
export function notice(host: Pick<Host, 'emit' | 'clock'>, message: string): void {
  host.emit({ type: 'notice', message, at: host.clock() });
}

/** Something that went otherwise than it was asked for, though the run goes on: one sentence or two. */
export function warn(host: Pick<Host, 'emit' | 'clock'>, message: string): void {
  host.emit({ type: 'warning', message, at: host.clock() });
}
