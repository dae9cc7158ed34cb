import type { Origin, Phase, ProgressEvent, Transfer } from '../host/events.ts';
import { apportionDownloads } from './downloads.ts';
import { type BusyTime, busyTime } from './intervals.ts';
import { type CollectedSpans, collectSpans, seconds } from './spans.ts';
import { countSubstitutions } from './substitutions.ts';
import type { BuiltDerivation, LayerRecord, PhaseRecord, SubstituterRecord } from './types.ts';

type Told = 'seconds' | 'builtDerivations' | 'substitutedPaths';
type Bytes = 'downloadBytes' | 'readBytes' | 'packedBytes' | 'sentBytes';

/** What the events say of one layer. */
export interface LayerWork extends Pick<LayerRecord, Told | Bytes> {
  /** Undefined until the layer's target is there. */
  origin: Origin | undefined;
  /** Of the plan; undefined where there was none yet. */
  planned: { reused: boolean; shipped: boolean } | undefined;
  /** A build or a transfer of it has failed. */
  failed: boolean;
  /** A blob of it was under way at the end. */
  sending: boolean;
}

/** What the events of a run say, as the record needs it. */
interface RecordedEvents extends CollectedSpans, Record<Bytes, number> {
  seconds: number;
  phases: PhaseRecord[];
  /** Layers that any event named, in the order of the plan, else of their first event. */
  layers: Map<string, LayerWork>;
  movedTags: string[];
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
  failed: boolean;
}

interface Blob {
  /** Undefined until it is there. */
  transfer: Transfer | undefined;
  /** Bytes of its tar that were read so far, and of all of it as stored. */
  read: number;
  size: number;
}

interface LayerState {
  origin: Origin | undefined;
  planned: LayerWork['planned'];
  failed: boolean;
  busy: BusyTime;
  builds: Map<string, Build>;
  substituted: Set<string>;
  /** By the number of the blob within its layer. */
  blobs: Map<number, Blob>;
}

/** Records the events of a run that started at `startedAt` (ms since the epoch). */
export function recordEvents(startedAt: number): Recorder {
  const phases: { phase: Phase; startedAt: number; endedAt?: number }[] = [];
  const layers = new Map<string, LayerState>();
  const downloads = apportionDownloads();
  const substitutions = countSubstitutions();
  const spans = collectSpans(startedAt);
  const movedTags: string[] = [];
  const warnings = new Set<string>();

  const layer = (name: string): LayerState => {
    const known = layers.get(name);
    if (known !== undefined) return known;
    const state: LayerState = {
      origin: undefined,
      planned: undefined,
      failed: false,
      busy: busyTime(),
      builds: new Map(),
      substituted: new Set(),
      blobs: new Map(),
    };
    layers.set(name, state);
    return state;
  };

  const take = (event: ProgressEvent): void => {
    if (event.type === 'build-log') return; // there are very many
    downloads.take(event);
    substitutions.take(event);
    spans.take(event);
    if (event.type === 'plan') {
      for (const { name, ...planned } of event.layers) layer(name).planned = planned;
    } else if (event.type === 'span' && event.kind === 'tag') {
      if (!event.ended && event.detail !== undefined) movedTags.push(event.detail);
    } else if (event.type === 'warning') warnings.add(event.message);
    else if (event.type === 'phase-start') {
      phases.push({ phase: event.phase, startedAt: event.at });
    } else if (event.type === 'phase-end') {
      const open = phases.findLast(each => each.phase === event.phase && !('endedAt' in each));
      if (open !== undefined) open.endedAt = event.at;
    } else if ('layer' in event && event.layer !== undefined) {
      takeLayerEvent(layer(event.layer), event);
    }
  };

  const result = (now: number): RecordedEvents => {
    const works = new Map(
      [...layers].map(([name, state]) => [name, layerWork(state, downloads.of(name), now)]),
    );
    const sum = (bytes: Bytes) => [...works.values()].reduce((all, work) => all + work[bytes], 0);
    return {
      seconds: seconds(now - startedAt),
      phases: phases.map(each => ({
        phase: each.phase,
        start: seconds(each.startedAt - startedAt),
        seconds: seconds((each.endedAt ?? now) - each.startedAt),
      })),
      layers: works,
      ...spans.result(now),
      downloadBytes: downloads.all(),
      readBytes: sum('readBytes'),
      packedBytes: sum('packedBytes'),
      sentBytes: sum('sentBytes'),
      movedTags: [...movedTags],
      substituters: substitutions.result(),
      warnings: [...warnings],
    };
  };

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
        failed: false,
      });
      state.busy.begin(event.derivation, event.at);
      return;
    }
    case 'build-end': {
      const build = state.builds.get(event.derivation);
      if (build !== undefined) Object.assign(build, { endedAt: event.at, failed: event.failed });
      state.failed ||= event.failed;
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
      state.blobs.set(event.blob, { transfer: undefined, read: 0, size: 0 });
      state.busy.begin(event.blob, event.at);
      return;
    case 'transfer-progress': {
      const blob = state.blobs.get(event.blob);
      if (blob !== undefined) blob.read = event.read;
      return;
    }
    case 'transfer-end': {
      const { blob, transfer, size } = event;
      const read = event.uncompressedSize ?? state.blobs.get(blob)?.read ?? 0;
      state.blobs.set(blob, { transfer, read, size });
      state.busy.end(blob, event.at);
      return;
    }
    case 'span':
      state.failed ||= event.kind === 'upload' && event.ended === 'failed';
      return;
    case 'layer-realised':
      state.origin = event.origin;
      return;
  }
}

function layerWork(state: LayerState, downloadBytes: number, now: number): LayerWork {
  const blobs = [...state.blobs.values()];
  const sent = blobs.filter(({ transfer }) => transfer === 'uploaded');
  return {
    origin: state.origin,
    planned: state.planned,
    failed: state.failed,
    sending: blobs.some(({ transfer }) => transfer === undefined),
    seconds: seconds(state.busy.total(now)),
    builtDerivations: [...state.builds].map(([derivation, build]) => ({
      derivation,
      machine: build.machine,
      seconds: seconds((build.endedAt ?? now) - build.startedAt),
      ...endOf(build),
    })),
    substitutedPaths: [...state.substituted],
    downloadBytes,
    readBytes: blobs.reduce((sum, { read }) => sum + read, 0),
    packedBytes: sent.reduce((sum, { read }) => sum + read, 0),
    sentBytes: sent.reduce((sum, { size }) => sum + size, 0),
  };
}

function endOf({ endedAt, failed }: Build): Pick<BuiltDerivation, 'ended'> {
  if (failed) return { ended: 'failed' };
  return endedAt === undefined ? { ended: 'cancelled' } : {};
}
