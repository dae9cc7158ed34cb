import { unionSeconds } from '../record/intervals.ts';
import type { BuildRecord, Forecast, ForecastBytes } from '../record/types.ts';
import { formatBytes, formatLeft, formatSeconds, plural } from './units.ts';

/**
 * What a run will do, in one sentence: "3 of 8 layers to make: 41 derivations, about 6 min, 180 MB to fetch,
 * 35 MB to send."
 */
export function forecastSentence(forecast: Forecast): string {
  const { layers, layersToMake } = forecast;
  if (layersToMake === 0) return `Nothing to make: ${allThere(layers)}.`;
  const parts = forecastParts(forecast);
  const said = parts.length === 0 ? 'nothing to build, to fetch or to send' : parts.join(', ');
  return `${layersToMake} of ${plural(layers, 'layer')} to make: ${said}.`;
}

const allThere = (layers: number) =>
  layers === 1 ? 'the registry has the layer' : `the registry has all ${layers} layers`;

/** What is to be done: builds and their time, what is fetched, what is sent. */
function forecastParts(forecast: Forecast): string[] {
  const { fetchBytes = 0, send } = forecast;
  return [
    ...buildParts(forecast),
    ...(fetchBytes > 0 ? [`${formatBytes(fetchBytes)} to fetch`] : []),
    ...(send.bytes > 0 || send.atLeast ? [`${roughBytes(send)} to send`] : []),
  ];
}

function buildParts({ builds, unknownTimes, seconds = 0 }: Forecast): string[] {
  if (builds === undefined) return ['what Nix could not tell'];
  if (builds === 0) return [];
  const count = plural(builds, 'derivation');
  const ofUnknown =
    unknownTimes === 0
      ? ''
      : unknownTimes === builds
        ? ' of unknown time'
        : ` (${unknownTimes} of unknown time)`;
  return [`${count}${ofUnknown}`, ...(seconds > 0 ? [formatLeft(seconds)] : [])];
}

/** Bytes as far as they are known: "35 MB", "about 35 MB", "at least 35 MB". */
export function roughBytes({ bytes, estimated, atLeast }: ForecastBytes): string {
  if (atLeast) return bytes === 0 ? 'nobody knows how much' : `at least ${formatBytes(bytes)}`;
  return estimated ? `about ${formatBytes(bytes)}` : formatBytes(bytes);
}

/** What a run was expected to do and what it did; undefined where it was not foreseen. */
export function foreseenSentence(record: BuildRecord): string | undefined {
  const { predicted } = record;
  if (predicted === undefined) return undefined;
  const actual = actualOf(record);
  const parts = [
    ...(predicted.builds === undefined
      ? []
      : [`${plural(predicted.builds, 'derivation')} (${actual.builds})`]),
    ...(predicted.seconds
      ? [`${formatLeft(predicted.seconds)} (${formatSeconds(actual.seconds)})`]
      : []),
    ...(predicted.fetchBytes === undefined
      ? []
      : [`${formatBytes(predicted.fetchBytes)} to fetch (${formatBytes(record.downloadBytes)})`]),
    `${roughBytes(predicted.send)} to send (${formatBytes(record.sentBytes)})`,
  ];
  return `Foreseen, and in brackets what it was: ${parts.join(', ')}.`;
}

/** What a run has done of what can be foreseen. */
export function actualOf({ layers, spans, spansLeftOut }: BuildRecord) {
  const builds = new Set(
    spansLeftOut
      ? layers.flatMap(layer => layer.builtDerivations.map(({ derivation }) => derivation))
      : spans.filter(({ kind }) => kind === 'build').map(({ detail }) => detail),
  );
  const isWork = (kind: string) => ['build', 'substitute', 'upload'].includes(kind);
  return { builds: builds.size, seconds: unionSeconds(spans.filter(({ kind }) => isWork(kind))) };
}
