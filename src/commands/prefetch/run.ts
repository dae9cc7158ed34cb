import type { Host } from '../../host/host.ts';
import type { PrefetchSettings } from '../../inputs/settings.ts';
import type { Downloads } from '../../wheels/downloads.ts';
import type { AskedPages } from '../../wheels/listings.ts';
import type { Lock } from '../../wheels/lock.ts';
import type { ReadMetadata } from '../../wheels/metadata.ts';
import type { Wanted } from '../../wheels/wanted.ts';
import type { Web } from '../../wheels/web.ts';
import type { ListsOf } from './lists.ts';
import type { ProvidedIn } from './provided.ts';

/** What the steps of a run share. */
export interface PrefetchRun {
  settings: PrefetchSettings;
  wanted: Wanted;
  /** The lock as it was; undefined where there was none. */
  before: Lock | undefined;
  web: Web;
  readMetadata: ReadMetadata;
  /** Pages that were asked for. */
  pages: AskedPages;
  lists: ListsOf;
  provided: ProvidedIn;
  downloads: Downloads;
  host: Host;
}

/** What was found of the wheels or of the sources. */
export interface Findings<Pins> {
  pins: Pins;
  /** What could not be found out, as sentences: the lock's pins stay. */
  unknown: string[];
}
