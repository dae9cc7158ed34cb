import type { Span } from '../../src/record/types.ts';

/**
 * Seconds of a run that no span names: none of them was under way. What the time went to then nobody can
 * tell from the record.
 */
export function unnamedSeconds({
  seconds: all,
  spans,
}: {
  seconds: number;
  spans: readonly Span[];
}) {
  let unnamed = 0;
  let end = 0;
  for (const { start, seconds: length } of [...spans].sort((a, b) => a.start - b.start)) {
    unnamed += Math.max(0, Math.min(start, all) - end);
    end = Math.max(end, Math.min(all, start + length));
  }
  return unnamed + Math.max(0, all - end);
}
