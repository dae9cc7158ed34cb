import type { ProgressEvent } from '../host/events.ts';
import type { Clock } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { type Progress, trackProgress } from '../record/progress.ts';
import { watchSilence } from '../record/silence.ts';
import {
  describeLayer,
  describeProgress,
  describeSilence,
  phaseNames,
} from '../report/activity.ts';
import { formatSeconds, storeName } from '../report/units.ts';
import type { Look } from './paint.ts';
import type { Printer } from './printer.ts';
import type { View } from './view.ts';
import { inFlags } from './words.ts';

/** A line, and how it looks where there are colours. */
type Line = readonly [text: string, look?: Look | undefined];

/** A line for each thing that happens, for files and pipes; builders' lines name the derivation. */
export function plainView(tell: Printer['tell'], clock: Clock): View {
  let printedAt = clock();
  const tracker = trackProgress(printedAt);
  const quiet = watchSilence(patience.quietBuild);
  const print = (at: number, [text, look]: Line) => {
    tell(`${text}\n`, look);
    printedAt = at;
  };
  const pulse = setInterval(() => {
    const now = clock();
    for (const each of quiet(tracker.progress, now)) {
      print(now, warningLine(describeSilence(each, now)));
    }
    if (now - printedAt < patience.silence) return;
    print(now, [describeProgress(tracker.progress, now) ?? 'Still at work', 'dim']);
  }, 1000);
  return {
    take(event) {
      const before = plainLine(tracker.progress, event);
      tracker.take(event);
      const layer = event.type === 'layer-end' && tracker.progress.layers.get(event.layer);
      const line: Line | undefined = layer ? [describeLayer(layer, event.at), 'green'] : before;
      if (line !== undefined) print(event.at, line);
    },
    say: (text, look) => print(clock(), [text, look]),
    close: () => clearInterval(pulse),
  };
}

/** Nothing but warnings. */
export function quietView(tell: Printer['tell']): View {
  return {
    take(event) {
      if (event.type !== 'warning') return;
      const [text, look] = warningLine(event.message);
      tell(`${text}\n`, look);
    },
    say: () => undefined,
    close: () => undefined,
  };
}

const warningLine = (message: string): Line => [`warning: ${inFlags(message)}`, 'yellow'];

/** The line for an event; `progress` is the state before it. */
function plainLine(progress: Progress, event: ProgressEvent): Line | undefined {
  switch (event.type) {
    case 'phase-start':
      return [phaseNames[event.phase], 'bold'];
    case 'build-start': {
      if (progress.activities.has(event.derivation)) return undefined;
      const where = event.machine === '' ? '' : ` on ${event.machine}`;
      return [inLayer(event.layer, `building ${storeName(event.derivation)}${where}`)];
    }
    case 'build-log':
      return [`${storeName(event.derivation)}> ${event.line}`, 'dim'];
    case 'build-end':
      return buildEndLine(progress, event);
    case 'substitute-start':
      return [inLayer(event.layer, `fetching ${storeName(event.path)} from ${event.cache}`)];
    case 'notice':
      return [inFlags(event.message)];
    case 'warning':
      return warningLine(event.message);
    default:
      return undefined;
  }
}

function buildEndLine(
  { activities }: Progress,
  { derivation, failed, layer, at }: Extract<ProgressEvent, { type: 'build-end' }>,
): Line {
  const start = activities.get(derivation)?.startedAt ?? at;
  const time = formatSeconds((at - start) / 1000);
  const what = `${failed ? 'FAILED' : 'built'} ${storeName(derivation)} in ${time}`;
  const line = inLayer(layer, what);
  return failed ? [line, 'red'] : [line];
}

function inLayer(layer: string | undefined, line: string): string {
  return layer === undefined ? line : `${layer}: ${line}`;
}
