import type { ImagePlan, PlannedLayer, PlanRecord } from '../record/types.ts';
import { columns } from './columns.ts';
import { forecastSentence, roughBytes } from './forecast.ts';
import { cells, code, escapeText } from './markdown.ts';
import { overviewMarkdown, overviewText } from './plan-overview.ts';
import { formatBytes, formatSeconds, plural } from './units.ts';
import { whyLines, whyMarkdown } from './why.ts';

/** Derivations of a layer that are named. */
const mostNamed = 4;

const heading = ['layer', 'where', 'to fetch', 'to send', 'to build'];

/** What builds would do, for a terminal. */
export function planText({ images, leftOut }: PlanRecord): string {
  const parts = [
    ...(images.length > 1 ? [overviewText(images)] : []),
    ...inDetail(images).map(imageText),
    leftOut.map(({ cache, reason }) => `Left out: ${cache}, ${reason}.`).join('\n'),
  ];
  return `${parts.filter(part => part !== '').join('\n\n')}\n`;
}

/** Of several those alone that have something to be done for are told of layer by layer. */
const inDetail = (images: readonly ImagePlan[]) =>
  images.length > 1 ? images.filter(({ upToDate }) => upToDate !== true) : images;

function imageText(image: ImagePlan): string {
  const table = columns([heading, ...image.layers.map(layerCells)], 2);
  return [
    [titleOf(image), ...sentences(image)].join('\n'),
    table.join('\n'),
    whyOf(image).join('\n'),
  ]
    .filter(part => part !== '')
    .join('\n\n');
}

const whyOf = ({ why, forecast }: ImagePlan): string[] =>
  why ? whyLines(why, forecast.layers) : [];

const titleOf = ({ flake, repository, tags }: ImagePlan): string =>
  `${flake} for ${repository}${tags.length === 0 ? '' : `:${tags.join(', ')}`}`;

/** What is to be done, and what that costs those who pull, the disk and the time. */
function sentences({ forecast, unknown, upToDate }: ImagePlan): string[] {
  const { pull, diskBytes = 0, unknownTimes } = forecast;
  const costs = [
    ...(pull ? [`${roughBytes(pull)} to pull for a host that has the present tag`] : []),
    ...(diskBytes > 0 ? [`${formatBytes(diskBytes)} of disk`] : []),
  ];
  return [
    ...(unknown === undefined ? [] : [unknown]),
    upToDate === true ? 'Up to date.' : forecastSentence(forecast),
    ...(costs.length > 0 && !upToDate ? [`It takes ${costs.join(', ')}.`] : []),
    ...(unknownTimes > 0
      ? [`Of ${plural(unknownTimes, 'build')} no record says how long it takes.`]
      : []),
  ];
}

function layerCells(layer: PlannedLayer): string[] {
  const { name, fetchBytes, send, derivations } = layer;
  return [
    name,
    whereOf(layer),
    fetchBytes === undefined ? '-' : formatBytes(fetchBytes),
    send === undefined ? '-' : roughBytes(send),
    buildsOf(derivations),
  ];
}

function whereOf({ state, cache }: PlannedLayer): string {
  switch (state) {
    case 'registry':
      return 'in the registry';
    case 'store':
      return 'in the store';
    case 'cache':
      return `in ${cache ?? 'a cache'}`;
    case 'build':
      return 'to build';
    case 'open':
      return 'not known yet';
  }
}

function buildsOf(derivations: PlannedLayer['derivations']): string {
  if (derivations.length === 0) return '-';
  const named = [...derivations]
    .sort((one, other) => (other.seconds ?? 0) - (one.seconds ?? 0))
    .slice(0, mostNamed)
    .map(({ name, seconds }) =>
      seconds === undefined ? name : `${name} (${formatSeconds(seconds)})`,
    );
  const more = derivations.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The same as Markdown, for a step's summary. */
export function planMarkdown({ images, leftOut }: PlanRecord): string {
  const notes = leftOut.map(
    ({ cache, reason }) => `Left out: ${code(cache)}, ${escapeText(reason)}.`,
  );
  const overview = images.length > 1 ? [overviewMarkdown(images)] : [];
  return `${[...overview, ...inDetail(images).flatMap(imageMarkdown), ...notes].join('\n\n')}\n`;
}

function imageMarkdown(image: ImagePlan): string[] {
  const rows = image.layers.map(layer => {
    const [name = '', ...others] = layerCells(layer);
    return cells(code(name), ...others.map(escapeText));
  });
  return [
    `## ${escapeText(titleOf(image))}`,
    ...sentences(image).map(escapeText),
    [cells(...heading), '|:--|:--|--:|--:|:--|', ...rows].join('\n'),
    ...whyMarkdown(whyOf(image)),
  ];
}
