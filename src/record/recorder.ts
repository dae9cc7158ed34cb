import type { Origin, Phase, ProgressEvent, Transfer } from '../host/events.ts';
import { apportionDownloads } from './downloads.ts';
import { type BusyTime, busyTime } from './intervals.ts';
import { countSubstitutions } from './substitutions.ts';
import type { LayerRecord, PhaseRecord, SubstituterRecord } from './types.ts';

/** What the events say of one layer. */
interface LayerWork
  extends Pick<LayerRecord, 'seconds' | 'builtDerivations' | 'substitutedPaths' | 'downloadBytes'> {
  /** Undefined until the layer's target is there. */
  origin: Origin | undefined;
  /** By the number of the blob within its layer. */
  transfers: Map<number, { transfer: Transfer; size: number }>;
}

/** What the events of a run say, as the record needs it. */
interface RecordedEvents {
  seconds: number;
  phases: PhaseRecord[];
  /** Layers that any event named, in the order of the plan, else of their first event. */
  layers: Map<string, LayerWork>;
  /** Bytes of layers sent in this run. */
  sentBytes: number;
  substituters: SubstituterRecord[];
  warnings: string[];
}

/** Listens to a run; `take` never throws. */
export interface Recorder {
  take(event: ProgressEvent): void;
  /** What is known at `now` (ms since the epoch); what still runs counts up to then. */
  result(now: number): RecordedEvents;
}

interface Build {
  machine: string;
  startedAt: number;
  endedAt: number | undefined;
}

interface LayerState {
  origin: Origin | undefined;
  busy: BusyTime;
  builds: Map<string, Build>;
  substituted: Set<string>;
  transfers: Map<number, { transfer: Transfer; size: number }>;
}

/** Records the events of a run that started at `startedAt` (ms since the epoch). */
export function recordEvents(startedAt: number): Recorder {
  const phases: { phase: Phase; startedAt: number; endedAt?: number }[] = [];
  const layers = new Map<string, LayerState>();
  const downloads = apportionDownloads();
  const substitutions = countSubstitutions();
  const warnings = new Set<string>();

  const layer = (name: string): LayerState => {
    const known = layers.get(name);
    if (known !== undefined) return known;
    const state: LayerState = {
      origin: undefined,
      busy: busyTime(),
      builds: new Map(),
      substituted: new Set(),
      transfers: new Map(),
    };
    layers.set(name, state);
    return state;
  };

  const take = (event: ProgressEvent): void => {
    downloads.take(event);
    substitutions.take(event);
    if (event.type === 'plan') for (const { name } of event.layers) layer(name);
    else if (event.type === 'warning') warnings.add(event.message);
    else if (event.type === 'phase-start') {
      phases.push({ phase: event.phase, startedAt: event.at });
    } else if (event.type === 'phase-end') {
      const open = phases.findLast(each => each.phase === event.phase && !('endedAt' in each));
      if (open !== undefined) open.endedAt = event.at;
    } else if ('layer' in event && event.layer !== undefined) {
      takeLayerEvent(layer(event.layer), event);
    }
  };

  const result = (now: number): RecordedEvents => ({
    seconds: seconds(now - startedAt),
    phases: phases.map(each => ({
      phase: each.phase,
      start: seconds(each.startedAt - startedAt),
      seconds: seconds((each.endedAt ?? now) - each.startedAt),
    })),
    layers: new Map(
      [...layers].map(([name, state]) => [name, layerWork(state, downloads.of(name), now)]),
    ),
    sentBytes: [...layers.values()].reduce((sum, state) => sum + sentBytes(state), 0),
    substituters: substitutions.result(),
    warnings: [...warnings],
  });

  return { take, result };
}

function takeLayerEvent(state: LayerState, event: ProgressEvent): void {
  switch (event.type) {
    case 'build-start': {
      // a remote build shows twice: with its machine, and once more without
      const known = state.builds.get(event.derivation);
      state.builds.set(event.derivation, {
        machine: known?.machine || event.machine,
        startedAt: known?.startedAt ?? event.at,
        endedAt: undefined,
      });
      state.busy.begin(event.derivation, event.at);
      return;
    }
    case 'build-end': {
      const build = state.builds.get(event.derivation);
      if (build !== undefined) build.endedAt = event.at;
      state.busy.end(event.derivation, event.at);
      return;
    }
    case 'substitute-start':
      state.busy.begin(event.path, event.at);
      return;
    case 'substitute-end':
      state.substituted.add(event.path);
      state.busy.end(event.path, event.at);
      return;
    case 'transfer-start':
      state.busy.begin(event.blob, event.at);
      return;
    case 'transfer-end':
      state.transfers.set(event.blob, { transfer: event.transfer, size: event.size });
      state.busy.end(event.blob, event.at);
      return;
    case 'layer-realised':
      state.origin = event.origin;
      return;
  }
}

function layerWork(state: LayerState, downloadBytes: number, now: number): LayerWork {
  return {
    origin: state.origin,
    seconds: seconds(state.busy.total(now)),
    builtDerivations: [...state.builds].map(([derivation, build]) => ({
      derivation,
      machine: build.machine,
      seconds: seconds((build.endedAt ?? now) - build.startedAt),
    })),
    substitutedPaths: [...state.substituted],
    downloadBytes,
    transfers: new Map(state.transfers),
  };
}

function sentBytes(state: LayerState): number {
  return [...state.transfers.values()].reduce(
    (sum, { transfer, size }) => sum + (transfer === 'uploaded' ? size : 0),
    0,
  );
}

/** Seconds with milliseconds kept; a clock that was set back counts as no time. */
function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds)) / 1000;
}
