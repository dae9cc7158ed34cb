import type { Host } from './host.ts';
import { eitherSignal } from './signals.ts';

/** A host whose work can also be stopped from within: by the first transfer that fails. */
export function stoppable(host: Host): { host: Host; stop: (reason: unknown) => void } {
  const controller = new AbortController();
  return {
    host: { ...host, signal: eitherSignal(host.signal, controller.signal) },
    stop: reason => controller.abort(reason),
  };
}
