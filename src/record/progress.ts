import type { Count, Origin, Phase, ProgressEvent, Transfer } from '../host/events.ts';
import { type BusyTime, busyTime } from './intervals.ts';
import { measureRate, type Rate } from './rate.ts';

/** Something that runs now. Times are milliseconds since the epoch, sizes bytes. */
export type Activity =
  | {
      kind: 'build';
      derivation: string;
      layer: string | undefined;
      startedAt: number;
      /** The last line of its log, and when it came: at first when the build began. */
      line: string;
      heardAt: number;
    }
  | { kind: 'substitute'; path: string; layer: string | undefined; startedAt: number }
  | {
      kind: 'transfer';
      layer: string;
      startedAt: number;
      read: number;
      sent: number;
      uncompressedSize: number | undefined;
      /** Of the bytes that are read. */
      rate: Rate;
    };

/** How far a layer is. */
export interface LayerProgress {
  name: string;
  /** Known to the registry before the run. */
  reused: boolean;
  shipped: boolean;
  origin: Origin | undefined;
  ended: boolean;
  /** Milliseconds in which something was done for it, up to now; undefined: nothing was. */
  busy(now: number): number | undefined;
  /** Blobs that are done with. */
  transfers: Record<Transfer, number>;
  /** Bytes sent by blobs that are done with. */
  sent: number;
}

/** The state of a run while it works, for live views and signs of life. */
export interface Progress {
  startedAt: number;
  phases: readonly Phase[];
  /** In the order of the plan. */
  layers: ReadonlyMap<string, LayerProgress>;
  /** What runs now, oldest first. */
  activities: ReadonlyMap<string, Activity>;
  /** Derivations and paths, as far as Nix knows by now. */
  built: Count;
  fetched: Count;
  /** Bytes of all downloads. */
  download: Count & { rate: Rate };
}

/** Follows the events of a run that started at `startedAt`. */
export interface ProgressTracker {
  take(event: ProgressEvent): void;
  readonly progress: Progress;
}

/** Whether nothing more is to come for a layer. */
export function isDone(layer: LayerProgress): boolean {
  return layer.ended || layer.reused || (!layer.shipped && layer.origin !== undefined);
}

export function trackProgress(startedAt: number): ProgressTracker {
  const phases = new Set<Phase>();
  const layers = new Map<string, LayerProgress>();
  const times = new Map<string, BusyTime>();
  const activities = new Map<string, Activity>();
  const counts = { built: { done: 0, expected: 0 }, fetched: { done: 0, expected: 0 } };
  const download = { done: 0, expected: 0, rate: measureRate() };

  const layer = (name: string): LayerProgress => {
    const known = layers.get(name);
    if (known !== undefined) return known;
    const fresh = newLayer(name, now => times.get(name)?.total(now));
    layers.set(name, fresh);
    return fresh;
  };
  const time = (name: string | undefined, key: string, isRunning: boolean, at: number) => {
    if (name === undefined) return;
    layer(name);
    if (!isRunning) return times.get(name)?.end(key, at);
    const busy = times.get(name) ?? busyTime();
    times.set(name, busy);
    busy.begin(key, at);
  };

  const take = (event: ProgressEvent): void => {
    switch (event.type) {
      case 'phase-start':
        phases.add(event.phase);
        return;
      case 'phase-end':
        phases.delete(event.phase);
        return;
      case 'plan':
        for (const { name, reused, shipped } of event.layers) {
          Object.assign(layer(name), { reused, shipped });
        }
        return;
      case 'download':
        download.done = event.done;
        download.expected = event.expected;
        download.rate.take(event.done, event.at);
        return;
      case 'counts':
        Object.assign(counts, { built: event.built, fetched: event.fetched });
        return;
      case 'layer-realised':
        layer(event.layer).origin = event.origin;
        return;
      case 'layer-end':
        layer(event.layer).ended = true;
        return;
      case 'notice':
      case 'warning':
      case 'span':
        return;
      default:
        takeActivity(activities, event);
        time(event.layer, keyOf(event), activities.has(keyOf(event)), event.at);
        if (event.type === 'transfer-end') countTransfer(layer(event.layer), event);
    }
  };

  return {
    take,
    get progress() {
      return { startedAt, phases: [...phases], layers, activities, ...counts, download };
    },
  };
}

type ActivityEvent = Extract<
  ProgressEvent,
  { type: `build-${string}` | `substitute-${string}` | `transfer-${string}` }
>;

/** What an activity is known by; unique among all that can run at once. */
function keyOf(event: ActivityEvent): string {
  if ('derivation' in event) return event.derivation;
  return 'path' in event ? event.path : `${event.layer}#${event.blob}`;
}

function takeActivity(activities: Map<string, Activity>, event: ActivityEvent): void {
  switch (event.type) {
    case 'build-start': {
      const { derivation, layer, at } = event;
      // a remote build shows twice; it runs since the first time
      if (activities.has(derivation)) return;
      const begun = { layer, startedAt: at, line: '', heardAt: at };
      activities.set(derivation, { kind: 'build', derivation, ...begun });
      return;
    }
    case 'build-log': {
      const build = activities.get(event.derivation);
      if (build?.kind === 'build') Object.assign(build, { line: event.line, heardAt: event.at });
      return;
    }
    case 'build-end':
      activities.delete(event.derivation);
      return;
    case 'substitute-start': {
      const { path, layer, at } = event;
      activities.set(path, { kind: 'substitute', path, layer, startedAt: at });
      return;
    }
    case 'substitute-end':
      activities.delete(event.path);
      return;
    default:
      takeTransfer(activities, event);
  }
}

function takeTransfer(
  activities: Map<string, Activity>,
  event: Extract<ProgressEvent, { type: `transfer-${string}` }>,
): void {
  const key = keyOf(event);
  if (event.type === 'transfer-start') {
    const { layer, uncompressedSize, at } = event;
    const rate = measureRate();
    rate.take(0, at);
    const begun = { layer, startedAt: at, read: 0, sent: 0, uncompressedSize, rate };
    activities.set(key, { kind: 'transfer', ...begun });
  } else if (event.type === 'transfer-end') activities.delete(key);
  else {
    const transfer = activities.get(key);
    if (transfer?.kind === 'transfer') {
      transfer.read = event.read;
      transfer.sent = event.sent;
      transfer.rate.take(event.read, event.at);
    }
  }
}

function countTransfer(
  layer: LayerProgress,
  event: Extract<ProgressEvent, { type: 'transfer-end' }>,
): void {
  layer.transfers[event.transfer] += 1;
  if (event.transfer === 'uploaded') layer.sent += event.size;
}

function newLayer(name: string, busy: LayerProgress['busy']): LayerProgress {
  return {
    name,
    reused: false,
    shipped: true,
    origin: undefined,
    ended: false,
    busy,
    transfers: { uploaded: 0, present: 0, mounted: 0 },
    sent: 0,
  };
}
