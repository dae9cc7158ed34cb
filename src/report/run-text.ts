import type { BuildRecord } from '../record/types.ts';
import { foreseenSentence } from './forecast.ts';
import { type LayerWork, layerWork } from './layer-work.ts';
import { nextSteps } from './next-steps.ts';
import { otherWarnings } from './places.ts';
import { runSentence, runTitle, wouldPushSentence } from './sentence.ts';
import { layerTable } from './table.ts';
import { formatSeconds } from './units.ts';
import { whyOfRun } from './why.ts';

/** Characters of the longest bar. */
const barWidth = 48;

/** A run for a terminal: what happened, a bar for each layer, the table of layers, what to do next. */
export function runText(record: BuildRecord): string {
  const steps = nextSteps(record);
  const { failure = '', notPushed, notCached } = record;
  const notes = [notPushed, wouldPushSentence(record), notCached].filter(
    note => note !== undefined,
  );
  const parts = [
    [runTitle(record), runSentence(record), ...notes].join('\n'),
    failure,
    bars(layerWork(record), record.seconds).join('\n'),
    layerTable(record),
    whyOfRun(record).join('\n'),
    foreseenSentence(record) ?? '',
    otherWarnings(record)
      .map(warning => `Warning: ${warning}`)
      .join('\n'),
    (steps?.commands ?? []).map(command => `    ${command}`).join('\n'),
  ];
  return `${parts.filter(part => part !== '').join('\n\n')}\n`;
}

/** When something was done for each layer: what the run's length is made of is drawn full. */
function bars(works: readonly LayerWork[], seconds: number): string[] {
  if (works.length === 0) return [];
  const whole = Math.max(seconds, ...works.map(work => work.start + work.seconds));
  const width = Math.max(...works.map(({ layer }) => layer.name.length));
  const scale = (at: number) => Math.round((at / whole) * barWidth);
  const rows = works.map(({ layer, isCritical, ...work }) => {
    const from = Math.min(scale(work.start), barWidth - 1);
    const length = Math.max(1, scale(work.start + work.seconds) - from);
    const bar = ' '.repeat(from) + (isCritical ? '█' : '░').repeat(length);
    const time = formatSeconds(layer.seconds).padStart(12);
    return `${layer.name.padEnd(width)} ${time} ${bar}`.trimEnd();
  });
  const isMixed = works.some(({ isCritical }) => !isCritical);
  return [
    ...rows,
    ...(isMixed ? ['█ what the length of the run is made of, ░ what went on beside it'] : []),
  ];
}
