import type { ProgressEvent } from '../host/events.ts';
import type { Clock } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { type Progress, trackProgress } from '../record/progress.ts';
import { describeLayer, describeProgress, phaseNames } from '../report/activity.ts';
import { formatSeconds, storeName } from '../report/units.ts';
import type { View } from './view.ts';

/** A line for each thing that happens, for files and pipes; builders' lines name the derivation. */
export function plainView(write: (text: string) => void, clock: Clock, startedAt: number): View {
  const tracker = trackProgress(startedAt);
  let printedAt = startedAt;
  const print = (line: string, at: number) => {
    write(`${line}\n`);
    printedAt = at;
  };
  const pulse = setInterval(() => {
    const now = clock();
    if (now - printedAt < patience.silence) return;
    print(describeProgress(tracker.progress, now) ?? 'Still at work', now);
  }, 1000);
  return {
    take(event) {
      const before = plainLine(tracker.progress, event);
      tracker.take(event);
      const layer = event.type === 'layer-end' && tracker.progress.layers.get(event.layer);
      const line = layer ? describeLayer(layer, event.at) : before;
      if (line !== undefined) print(line, event.at);
    },
    close: () => clearInterval(pulse),
  };
}

/** The line for an event; `progress` is the state before it. */
function plainLine(progress: Progress, event: ProgressEvent): string | undefined {
  switch (event.type) {
    case 'phase-start':
      return phaseNames[event.phase];
    case 'build-start': {
      if (progress.activities.has(event.derivation)) return undefined;
      const where = event.machine === '' ? '' : ` on ${event.machine}`;
      return inLayer(event.layer, `building ${storeName(event.derivation)}${where}`);
    }
    case 'build-log':
      return `${storeName(event.derivation)}> ${event.line}`;
    case 'build-end': {
      const start = progress.activities.get(event.derivation)?.startedAt ?? event.at;
      const what = `${event.failed ? 'FAILED' : 'built'} ${storeName(event.derivation)}`;
      return inLayer(event.layer, `${what} in ${formatSeconds((event.at - start) / 1000)}`);
    }
    case 'substitute-start':
      return inLayer(event.layer, `fetching ${storeName(event.path)} from ${event.cache}`);
    case 'notice':
      return event.message;
    case 'warning':
      return `warning: ${event.message}`;
    default:
      return undefined;
  }
}

function inLayer(layer: string | undefined, line: string): string {
  return layer === undefined ? line : `${layer}: ${line}`;
}
