import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { notice, warn } from '../../host/say.ts';
import { quantities, type RunLimit } from '../../inputs/run-limits.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type Comparison, compareRecords } from '../../record/compare.ts';
import type { BuildRecord, LimitRecord } from '../../record/types.ts';
import { brokenSentences, unknownSentence } from '../../report/run-limits.ts';

/** What a quantity comes to, and of which layer; undefined where that is not known. */
type Found = { amount: number; layer?: string } | undefined;

/**
 * How a run keeps its limits, as far as it has come.
 * @param previous the record of the image before, where there is one
 */
export function limitRecords(
  limits: readonly RunLimit[],
  record: BuildRecord,
  previous: BuildRecord | undefined,
): LimitRecord[] {
  const comparison = previous && compareRecords(previous, record);
  return limits.map(limit => {
    const found = find(limit, record, comparison);
    const { text, quantity, bound, inclusive } = limit;
    const unit = quantities[quantity];
    if (found === undefined) return { limit: text, unit, bound, kept: true };
    const { amount, layer } = found;
    const kept = inclusive ? amount <= bound : amount < bound;
    return { limit: text, unit, bound, found: amount, ...(layer ? { layer } : {}), kept };
  });
}

function find(
  { quantity }: RunLimit,
  { image, sentBytes, downloadBytes, seconds }: BuildRecord,
  comparison: Comparison | undefined,
): Found {
  switch (quantity) {
    case 'image-size':
      return image?.digest === undefined ? undefined : { amount: image.size };
    case 'layer-growth':
      return comparison?.size && mostGrown(comparison.layers);
    case 'pull':
      return known(comparison?.pullBytes);
    case 'sent':
      return { amount: sentBytes };
    case 'fetched':
      return { amount: downloadBytes };
    case 'build-time':
      return { amount: seconds };
  }
}

const known = (amount: number | undefined): Found =>
  amount === undefined ? undefined : { amount };

/** The layer that is most larger than before; one that was not there has grown by all of it. */
function mostGrown(layers: Comparison['layers']): Found {
  const growths = layers.flatMap(({ name, size }) =>
    size ? [{ layer: name, amount: Math.max(0, size.now - (size.before ?? 0)) }] : [],
  );
  return growths.reduce<Found>(
    (most, each) => (most && most.amount >= each.amount ? most : each),
    undefined,
  );
}

/** Why an image gets no tag: its run has broken a limit by now. Undefined where it has not. */
export const refusal = (record: BuildRecord): Failure | undefined =>
  brokenLimits(record, 'No tag was moved.');

/** Tells of the limits of a run that is over. @throws Failure where one is broken, and that fails a run */
export function tellLimits(record: BuildRecord, { limitsMode }: BuildSettings, host: Host): void {
  const limits = record.limits ?? [];
  const unknown = unknownSentence(limits);
  if (unknown !== undefined) notice(host, unknown);
  if (limitsMode === 'warn') {
    for (const sentence of brokenSentences(limits)) warn(host, sentence);
    return;
  }
  const tagsMoved = (record.image?.movedTags.length ?? 0) > 0;
  const failure = brokenLimits(record, tagsMoved ? 'The tags had moved by then.' : undefined);
  if (failure) throw failure;
}

function brokenLimits(
  { limits = [] }: BuildRecord,
  tried: string | undefined,
): Failure | undefined {
  const sentences = brokenSentences(limits);
  if (sentences.length === 0) return undefined;
  return new Failure(sentences.join(' '), {
    ...(tried === undefined ? {} : { tried }),
    next: 'Look in the report what has grown; raise the limit, or set `limits-mode: warn`.',
  });
}
