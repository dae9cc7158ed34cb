import type { AuditSubject } from '../../audit/subject.ts';
import type { GithubCache } from '../../caches/github-cache.ts';
import type { ProgressEvent } from '../../host/events.ts';
import type { Host } from '../../host/host.ts';
import { type Closures, startClosures } from '../../nix/closures.ts';
import type { DiskPeak, DiskWatch } from '../../nix/disk-space.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import type { AuditRecord } from '../../record/audit.ts';
import { recordEvents } from '../../record/recorder.ts';
import type {
  BuildRecord,
  FlakeInput,
  Forecast,
  LimitRecord,
  WhyRecord,
} from '../../record/types.ts';
import type { StoredManifest } from '../../registry/store.ts';
import type { KeptDerivations } from '../../why/kept.ts';
import type { VerbOutcome } from '../outcome.ts';
import type { BuildCaches, CacheOutcome } from './caches.ts';
import type { Destination } from './destination.ts';
import type { SeenSource } from './image-origin.ts';
import type { MadeLayer } from './record/layer-records.ts';

export type { MadeLayer };

/** How far a build has come: what its record is made of, whenever it ends. */
export interface BuildState {
  /** The caller's host; its events are recorded on the way. */
  host: Host;
  recorder: ReturnType<typeof recordEvents>;
  startedAt: number;
  /** Where this run can be looked up. */
  run: string | undefined;
  nix?: Nix;
  exports?: VerbOutcome['exports'];
  caches?: BuildCaches;
  /** Ends of builds that were there before the caches: of what the flake imports. */
  builtEarly: ProgressEvent[];
  /** What came of `caches` in the end. */
  cached?: CacheOutcome;
  github?: GithubCache;
  /** The name of this run's part of the machine's files. */
  part?: string;
  /** Sees how full file systems become, until the build ends. */
  diskWatch?: DiskWatch;
  /** How full file systems became. */
  disk?: DiskPeak[];
  /** What was removed to make room. */
  reclaimed: string[];
  evaluation?: Evaluation;
  /** The commit that the flake is of, and what is known of it. */
  seen: SeenSource;
  destination?: Destination;
  /** What the store has said of its paths. */
  closures: Closures;
  /** Layers that are done, by name. */
  made: Map<string, MadeLayer>;
  manifest?: StoredManifest;
  /** Tags that move while the record is written into the memory, which tells of them all the same. */
  movingTags?: string[];
  /** What the flake's lock file names. */
  inputs?: FlakeInput[];
  /** What a run that does not push would send. */
  wouldPush?: BuildRecord['wouldPush'] | undefined;
  /** Records of earlier runs are being read, as far as they are wanted; never rejects. */
  earlier?: Promise<void>;
  /** The record that this run is compared with, as soon as it is read. */
  previous?: BuildRecord;
  /** The newest record of this image, of whatever branch. */
  newest?: BuildRecord;
  /** What is to be kept of the image's derivations; undefined where nothing new is made, or they cannot be read. */
  kept?: Promise<KeptDerivations | undefined>;
  /** What the run was expected to do, as soon as that is known. */
  predicted?: Forecast;
  /** Why layers are made anew, as soon as that is known. */
  why?: WhyRecord;
  /** The limits as they were found when the image was refused for them. */
  limits?: LimitRecord[];
  /** What the audit reads, as long as it is not done. */
  auditSubject?: Promise<AuditSubject>;
  audit?: AuditRecord;
}

/** The state of a build that begins now. */
export function startState(host: Host): BuildState {
  const startedAt = host.clock();
  const recorder = recordEvents(startedAt);
  const state: BuildState = {
    host: {
      ...host,
      emit: event => {
        recorder.take(event);
        if (state.caches) state.caches.take(event);
        else if (event.type === 'build-end') state.builtEarly.push(event);
        state.github?.take(event);
        host.emit(event);
      },
    },
    recorder,
    builtEarly: [],
    startedAt,
    run: runAddress(host.env),
    reclaimed: [],
    seen: {},
    closures: startClosures(),
    made: new Map(),
  };
  return state;
}

/** The web page of the workflow run, if this is one. */
function runAddress(env: Host['env']): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  return server && repository && id ? `${server}/${repository}/actions/runs/${id}` : undefined;
}
