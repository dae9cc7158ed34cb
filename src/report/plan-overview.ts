import type { ImagePlan } from '../record/types.ts';
import { columns } from './columns.ts';
import { roughBytes } from './forecast.ts';
import { cells, code, escapeText } from './markdown.ts';
import { formatBytes } from './units.ts';

const heading = ['image', 'what', 'layers to make', 'to build', 'to fetch', 'to send'];

/** A row for each of several images, as plain text. */
export const overviewText = (images: readonly ImagePlan[]): string =>
  columns([heading, ...images.map(rowOf)], 2).join('\n');

/** The same as Markdown. */
export function overviewMarkdown(images: readonly ImagePlan[]): string {
  const rows = images.map(image => {
    const [flake = '', ...others] = rowOf(image);
    return cells(code(flake), ...others.map(escapeText));
  });
  return [cells(...heading), '|:--|:--|--:|--:|--:|--:|', ...rows].join('\n');
}

function rowOf({ flake, upToDate, forecast }: ImagePlan): string[] {
  const { layers, layersToMake, builds, fetchBytes, send } = forecast;
  return [
    flake,
    whatOf(upToDate),
    `${layersToMake} of ${layers}`,
    builds === undefined ? '?' : String(builds),
    fetchBytes === undefined ? '?' : formatBytes(fetchBytes),
    roughBytes(send),
  ];
}

const whatOf = (upToDate: boolean | undefined): string =>
  upToDate === undefined ? 'not known' : upToDate ? 'up to date' : 'to do';
