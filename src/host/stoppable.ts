import type { Host } from './host.ts';

/** A host whose work can also be stopped from within: by the first transfer that fails. */
export function stoppable(host: Host): { host: Host; stop: (reason: unknown) => void } {
  const controller = new AbortController();
  const signals = host.signal ? [host.signal, controller.signal] : [controller.signal];
  return {
    host: { ...host, signal: AbortSignal.any(signals) },
    stop: reason => controller.abort(reason),
  };
}
