import type { SpanKind } from './events.ts';
import type { Host } from './host.ts';

/** What a span is told with. */
interface Told {
  kind: SpanKind;
  layer?: string;
  detail?: string;
}

type Teller = Pick<Host, 'emit' | 'clock' | 'signal'>;

/** Begins a span that ends, and is told, when what this returns is called; with true where it has failed. */
export function beginSpan(host: Teller, told: Told): (hasFailed?: boolean) => void {
  const startedAt = host.clock();
  return hasFailed => {
    const ended = hasFailed ? { ended: endOfFailed(host) } : {};
    host.emit({ type: 'span', ...told, ...ended, startedAt, at: host.clock() });
  };
}

/** Does work, and tells afterwards how long it took, also where it failed. */
export async function inSpan<T>(host: Teller, told: Told, work: () => Promise<T>): Promise<T> {
  const end = beginSpan(host, told);
  try {
    const value = await work();
    end();
    return value;
  } catch (error) {
    end(true);
    throw error;
  }
}

/** What breaks after the signal has aborted did not fail by itself. */
export const endOfFailed = ({ signal }: Pick<Host, 'signal'>): 'failed' | 'cancelled' =>
  signal?.aborted ? 'cancelled' : 'failed';
