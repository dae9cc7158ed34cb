import { orElse } from '../../../host/failure.ts';
import { isShipped, layersOf, targetsOf } from '../../../nix/recipe-layers.ts';
import type { WhyRecord } from '../../../record/types.ts';
import type { RememberedRecord } from '../../../registry/remembered.ts';
import { storeName } from '../../../report/units.ts';
import { whyLines } from '../../../report/why.ts';
import { causesOf } from '../../../why/causes.ts';
import { type Changes, compareDerivations } from '../../../why/compare.ts';
import { readKept } from '../../../why/document.ts';
import { type KeptDerivations, keepDerivations } from '../../../why/kept.ts';
import { whyInWords } from '../../../why/words.ts';
import type { ImageContext } from '../context.ts';
import { originOfImage } from '../image-origin.ts';
import { recordToCompare } from '../previous.ts';

/** The layers of an image that is being looked at. */
export const shippedLayers = ({ evaluation }: Pick<ImageContext, 'evaluation'>) =>
  layersOf(evaluation).filter(isShipped);

/** What is kept of an image's derivations. Rejects with a `Failure` that names one that cannot be read. */
export function keepImage({
  evaluation,
  nix,
}: Pick<ImageContext, 'evaluation' | 'nix'>): Promise<KeptDerivations> {
  const layers = shippedLayers({ evaluation });
  const drvPaths = layers.map(
    layer => [layer.name, targetsOf(layer).map(({ drvPath }) => drvPath)] as const,
  );
  return keepDerivations(new Map(drvPaths), nix.place);
}

/**
 * What is otherwise than in the image that the first tag names, or else in the last one of the same attribute;
 * undefined where nothing is kept of it. Rejects with a `Failure`.
 */
export async function changesSince(context: ImageContext): Promise<Changes | undefined> {
  const { own, state } = context;
  if (own === undefined) return undefined;
  const text = await own.derivations(rows => rowToCompare(rows, context));
  const before = text === undefined ? undefined : await orElse(readLater(text), undefined);
  if (before === undefined) return undefined;
  const now = state.kept ? await state.kept : await keepImage(context);
  return now && compareDerivations(before, now);
}

/** What somebody else has written may be no such document. */
const readLater = async (text: string) => readKept(text);

function rowToCompare(
  rows: readonly RememberedRecord[],
  { tagged, evaluation, settings, state }: ImageContext,
): RememberedRecord | undefined {
  const digest = tagged[0]?.stored.digest;
  const { attribute } = originOfImage(evaluation, settings, state.host.env);
  return (
    rows.find(({ image }) => image !== undefined && image === digest) ??
    recordToCompare(rows, settings.compareWith, attribute) ??
    recordToCompare(rows, [], attribute)
  );
}

/** Why layers are made anew, in words; undefined where that cannot be told. Rejects with a `Failure`. */
export async function whyRecord(
  context: ImageContext,
  { reused }: { reused: ReadonlySet<string> },
): Promise<WhyRecord | undefined> {
  const changes = await changesSince(context);
  return changes && whyOfChanges(changes, context, reused);
}

/** The same of changes that are known. */
export function whyOfChanges(
  changes: Changes,
  { state, evaluation }: Pick<ImageContext, 'state' | 'evaluation'>,
  reused: ReadonlySet<string>,
): WhyRecord {
  const { provenance } = evaluation;
  return whyInWords(causesOf(changes), {
    inputsBefore: (state.previous ?? state.newest)?.inputs,
    inputs: state.inputs,
    own: provenance && new Set([...provenance.own].map(storeName)),
    reused,
  });
}

/** Why layers would be made anew, as lines; none where that cannot be told. Never rejects. */
export async function whySentences(context: ImageContext): Promise<string[]> {
  const why = await orElse(whyRecord(context, { reused: new Set() }), undefined);
  return why ? whyLines(why, shippedLayers(context).length) : [];
}
