import type { SpanKind } from './events.ts';
import type { Host } from './host.ts';

/** What a span is told with. */
interface Told {
  kind: SpanKind;
  layer?: string;
  detail?: string;
}

/** Does work, and tells afterwards how long it took, also where it failed. */
export async function inSpan<T>(
  host: Pick<Host, 'emit' | 'clock' | 'signal'>,
  told: Told,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = host.clock();
  const tell = (failed = false) => {
    const ended = failed ? { ended: endOfFailed(host) } : {};
    host.emit({ type: 'span', ...told, ...ended, startedAt, at: host.clock() });
  };
  try {
    const value = await work();
    tell();
    return value;
  } catch (error) {
    tell(true);
    throw error;
  }
}

/** What breaks after the signal has aborted did not fail by itself. */
export const endOfFailed = ({ signal }: Pick<Host, 'signal'>): 'failed' | 'cancelled' =>
  signal?.aborted ? 'cancelled' : 'failed';
