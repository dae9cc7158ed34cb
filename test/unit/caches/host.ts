import type { ProgressEvent } from '../../../src/host/events.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';

/** A host with real processes whose warnings a test can read. */
export function recordingHost(more: Partial<Host> = {}): { host: Host; warnings: () => string[] } {
  const events: ProgressEvent[] = [];
  const env = more.env ?? {};
  const emit = (event: ProgressEvent) => events.push(event);
  const host: Host = { env, clock: () => 0, run: processRunner(env), emit, ...more };
  const warnings = () => events.flatMap(event => (event.type === 'warning' ? event.message : []));
  return { host, warnings };
}
