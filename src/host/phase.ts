import type { Phase } from './events.ts';
import type { Host } from './host.ts';

/** Does a phase's work between the two events that report it. */
export async function inPhase<T>(host: Host, phase: Phase, work: () => Promise<T>): Promise<T> {
  host.emit({ type: 'phase-start', phase, at: host.clock() });
  try {
    return await work();
  } finally {
    host.emit({ type: 'phase-end', phase, at: host.clock() });
  }
}
