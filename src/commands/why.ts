import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import type { WhySettings } from '../inputs/settings.ts';
import type { WhyRecord } from '../record/types.ts';
import { escapeText } from '../report/markdown.ts';
import { whyLines, whyMarkdown } from '../report/why.ts';
import { chainTo } from '../why/causes.ts';
import type { ImageContext } from './build/context.ts';
import { changesSince, shippedLayers, whyOfChanges } from './build/forecast/why.ts';
import { planOnly } from './build/image.ts';
import type { VerbOutcome } from './outcome.ts';
import { onlyLooking } from './plan/looking.ts';

/**
 * Tells why layers would be made anew: what changed since the image that is in the registry, root causes
 * apart from what only follows; of one layer the chain to its cause. Builds nothing. Rejects with a `Failure`.
 */
export async function why(settings: WhySettings, host: Host): Promise<VerbOutcome> {
  const { looking: found, exports } = await onlyLooking(settings, host, looking =>
    looking.at({ flake: settings.flake }, context => explainImage(context, settings.layer)),
  );
  return {
    report: reportOf(found),
    outputs: {},
    why: found.why,
    ...(exports ? { exports } : {}),
  };
}

/** What was found of an image. */
interface Found {
  why: WhyRecord;
  /** Layers that the image has. */
  layers: number;
  /** Where one layer was asked for: the names from it down to its cause; empty: nothing of it changed. */
  chain?: { layer: string; names: readonly string[] };
}

async function explainImage(context: ImageContext, layer: string | undefined): Promise<Found> {
  const names = shippedLayers(context).map(({ name }) => name);
  if (layer !== undefined && !names.includes(layer)) throw noSuchLayer(layer, names);
  await context.state.earlier;
  const changes = await changesSince(context);
  if (changes === undefined) throw nothingKept(context);
  const { plan } = await planOnly(context);
  const all = whyOfChanges(changes, context, plan.reused);
  if (layer === undefined) return { why: all, layers: names.length };
  const causes = all.causes.filter(cause => cause.layers.includes(layer));
  const chain = { layer, names: chainTo(changes, layer) };
  return { why: { ...all, causes, more: all.more }, layers: names.length, chain };
}

const noSuchLayer = (layer: string, names: readonly string[]) =>
  new Failure(`The image has no layer called ${layer}.`, {
    next: `Choose among: ${names.join(', ')}.`,
    exitCode: 2,
  });

const nothingKept = ({ unknown, destination }: ImageContext) =>
  new Failure(`Of the image in ${destination.store.repository} nothing is kept to compare with.`, {
    tried: unknown ?? 'The memory was read, which keeps the derivations of the last three images.',
    next: 'The next build that pushes an image keeps its derivations.',
  });

function reportOf({ why: all, layers, chain }: Found): NonNullable<VerbOutcome['report']> {
  const found = whyLines(all, layers);
  const lines = found.length === 0 ? ['No layer would be made anew.'] : found;
  const chained = chain ? chainLines(chain) : [];
  return {
    text: `${[...chained, ...lines].join('\n')}\n`,
    markdown: `${['## Why', ...chained.map(escapeText), ...whyMarkdown(lines)].join('\n\n')}\n`,
  };
}

const chainLines = ({ layer, names }: NonNullable<Found['chain']>): string[] =>
  names.length === 0 ? [`Nothing of ${layer} changed.`] : [names.join(' ← ')];
