import type { ProgressEvent } from '../host/events.ts';
import { patience } from '../host/limits.ts';
import { isDone, type Progress, trackProgress } from '../record/progress.ts';
import { watchSilence } from '../record/silence.ts';
import {
  describeLayer,
  describeProgress,
  describeSilence,
  phaseNames,
} from '../report/activity.ts';
import { formatBytes, formatSeconds, storeName } from '../report/units.ts';
import { type LayerBuffer, layerBuffer } from './buffer.ts';
import type { Toolkit } from './toolkit.ts';

/** The log of one run in GitHub's face. */
export interface ActionLog {
  take(event: ProgressEvent): void;
  /** To be called every second or so: prints a sign of life, and warns of builders that say nothing. */
  tick(now: number): void;
  /** Prints what is left at the end of the run: unfinished layers, and work for no layer. */
  finish(now: number): void;
}

/**
 * Prints one contiguous, folded group a layer, when the layer is done, however many build at once.
 * What failed is never folded.
 */
export function actionLog(toolkit: Toolkit, startedAt: number): ActionLog {
  const tracker = trackProgress(startedAt);
  const buffers = new Map<string, LayerBuffer>();
  const quiet = watchSilence(patience.quietBuild);
  let printedAt = startedAt;

  const bufferOf = (layer: string): LayerBuffer => {
    const buffer = buffers.get(layer) ?? layerBuffer();
    buffers.set(layer, buffer);
    return buffer;
  };
  const printLayer = (layer: string, now: number) => {
    const state = tracker.progress.layers.get(layer);
    const title = state !== undefined && isDone(state) ? describeLayer(state, now) : layer;
    printBlock(toolkit, title, bufferOf(layer));
    buffers.delete(layer);
  };

  const take = (event: ProgressEvent): void => {
    const line = layerLine(tracker.progress, event);
    tracker.take(event);
    if (line !== undefined) bufferOf(layerOf(event)).add(line);
    if (event.type === 'build-end' && event.failed) bufferOf(layerOf(event)).markFailed();
    if (event.type === 'layer-end') printLayer(event.layer, event.at);
    else if (!printLine(toolkit, event)) return;
    printedAt = event.at;
  };

  return {
    take,
    tick(now) {
      for (const each of quiet(tracker.progress, now)) {
        toolkit.warning(describeSilence(each, now));
        printedAt = now;
      }
      if (now - printedAt < patience.silence) return;
      toolkit.info(describeProgress(tracker.progress, now) ?? 'Still at work');
      printedAt = now;
    },
    finish(now) {
      for (const layer of [...buffers.keys()]) printLayer(layer, now);
    },
  };
}

/** Lines that go straight to the log; false when the event has none. */
function printLine(toolkit: Toolkit, event: ProgressEvent): boolean {
  if (event.type === 'phase-start') toolkit.info(phaseNames[event.phase]);
  else if (event.type === 'notice') toolkit.info(event.message);
  else if (event.type === 'warning') toolkit.warning(event.message);
  else if (event.type === 'plan') {
    const reused = event.layers.filter(layer => layer.reused).map(layer => layer.name);
    if (reused.length === 0) return false;
    toolkit.info(`The registry holds already: ${reused.join(', ')}`);
  } else return false;
  return true;
}

/** What an event adds to its layer's block; `progress` is the state before the event. */
function layerLine(progress: Progress, event: ProgressEvent): string | undefined {
  switch (event.type) {
    case 'build-start':
      return `building ${storeName(event.derivation)}${event.machine && ` on ${event.machine}`}`;
    case 'build-log':
      return `${storeName(event.derivation)}> ${event.line}`;
    case 'build-end':
      return describeBuildEnd(progress, event);
    case 'substitute-start':
      return `fetching ${storeName(event.path)} from ${event.cache}`;
    case 'transfer-end':
      return `blob ${event.blob}: ${event.transfer}, ${formatBytes(event.size)}`;
    default:
      return undefined;
  }
}

function describeBuildEnd(
  progress: Progress,
  event: Extract<ProgressEvent, { type: 'build-end' }>,
): string {
  const what = `${event.failed ? 'FAILED' : 'built'} ${storeName(event.derivation)}`;
  const start = progress.activities.get(event.derivation)?.startedAt;
  return start === undefined ? what : `${what} in ${formatSeconds((event.at - start) / 1000)}`;
}

/** The block that an event belongs to; work for no layer has one of its own. */
function layerOf(event: ProgressEvent): string {
  return ('layer' in event ? event.layer : undefined) ?? 'other work';
}

function printBlock(toolkit: Toolkit, title: string, buffer: LayerBuffer): void {
  const lines = buffer.lines();
  const folded = lines.length > 0 && !buffer.failed();
  if (folded) toolkit.startGroup(title);
  else toolkit.info(title);
  if (lines.length === 0) return;
  for (const line of lines) toolkit.info(line);
  if (folded) toolkit.endGroup();
}
