import type { BuildRecord, WhyRecord } from '../record/types.ts';
import { isShipped } from './layers.ts';
import { escapeText } from './markdown.ts';
import { plural } from './units.ts';

/** Layers of a cause that are named. */
const mostLayers = 3;

/**
 * Why layers are made anew, a line for each cause: "layer4-deps: `requirements.txt` changed", and how many
 * there are; none where nothing is.
 * @param layers how many the image has
 */
export function whyLines({ causes, more, rebuilds }: WhyRecord, layers: number): string[] {
  if (causes.length === 0) return [];
  const count = causes.length + more;
  return [
    ...causes.map(cause => `${layersOf(cause.layers, layers)}: ${cause.text}`),
    `${plural(count, 'cause')}, ${plural(rebuilds, 'rebuild')}`,
  ];
}

function layersOf(names: readonly string[], all: number): string {
  if (names.length === all && all > 1) return 'all layers';
  const more = names.length - mostLayers;
  return more > 0 ? `${names.slice(0, mostLayers).join(', ')} and ${more} more` : names.join(', ');
}

/** The same of a run that is over. */
export const whyOfRun = ({ why, layers }: BuildRecord): string[] =>
  why ? whyLines(why, flakesOwn(layers).length) : [];

/** Layers that the flake names; the program adds others. */
const flakesOwn = (layers: BuildRecord['layers']) =>
  layers.filter(layer => isShipped(layer) && (layer.target !== null || layer.targets));

/** The same as a list in Markdown. */
export function whyMarkdown(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [lines.map(line => `- ${escapeText(line)}`).join('\n')];
}
