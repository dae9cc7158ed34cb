import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { atOnce } from '../host/limits.ts';
import { onceEach } from '../host/once.ts';
import { notice } from '../host/say.ts';
import { turns } from '../host/turns.ts';
import { download, type Look, type OnBytes } from './download.ts';
import { removePartials } from './partial-downloads.ts';
import type { HashDownload } from './pin.ts';
import { needsOfPackage, type SourceNeeds } from './sources/needs.ts';
import type { WheelTree } from './tree/hash.ts';
import type { Web } from './web.ts';
import { fileNameOf } from './wheel-name.ts';

/** Progress is told no more often than this, in ms. */
const toldEvery = 200;

/** The downloads of a run. */
export interface Downloads {
  /** Where files lie while they are looked at. */
  folder: string;
  /** Downloads an address to hash it, and its tree; each is downloaded once. */
  hash: HashDownload;
  /** Removes what was kept for a run that would have to take them up; to be called after success. */
  forget(): Promise<void>;
}

/** Downloads several files at a time, and tells of the bytes of all of them together. */
export function startDownloads(
  folder: string,
  web: Web,
  host: Host,
  { trees }: { trees: boolean },
): Downloads {
  const folders = new Set<string>();
  const inTurn = turns(atOnce.downloads);
  const tell = progressOf(host);
  const start = (url: string) =>
    inTurn(async () => {
      const file = fileNameOf(url);
      notice(host, `Downloading ${file}`);
      const onBytes: OnBytes = (done, expected) => tell(url, done, expected);
      const result = await download(url, folder, web, onBytes, lookAt(file, trees));
      folders.add(result.folder);
      notice(host, `Downloaded ${file}`);
      return result;
    });
  return {
    folder,
    hash: onceEach(url => url, start),
    forget: () => removePartials(folder, folders, host.clock()),
  };
}

/** What is looked at in a file of this name: a wheel's tree, where those are wanted; what a source needs. */
function lookAt(name: string, trees: boolean): Look | undefined {
  if (!/\.whl$/.test(name)) return async file => ({ needs: await orRefusal(needsOf(file, name)) });
  return trees ? async file => ({ tree: await orRefusal(treeOf(file, name)) }) : undefined;
}

async function treeOf(file: string, name: string): Promise<WheelTree> {
  const { hashTree } = await import('./tree/hash.ts');
  return hashTree(file, name);
}

async function needsOf(file: string, name: string): Promise<SourceNeeds> {
  const { textsOfArchive } = await import('./sources/archive-texts.ts');
  return needsOfPackage(await textsOfArchive(file, name));
}

/** What was found, or why there is no such thing. */
const orRefusal = <Found>(finding: Promise<Found>): Promise<Found | { refused: string }> =>
  finding.catch((error: unknown) => {
    if (error instanceof Failure) return { refused: error.message };
    throw error;
  });

/** The sums over all files as events. */
function progressOf(host: Host): (url: string, ...bytes: Parameters<OnBytes>) => void {
  const files = new Map<string, { done: number; expected: number }>();
  let toldAt = 0;
  return (url, done, expected = done) => {
    files.set(url, { done, expected });
    const at = host.clock();
    if (at - toldAt < toldEvery && done < expected) return;
    toldAt = at;
    const sum = (field: 'done' | 'expected') =>
      [...files.values()].reduce((total, file) => total + file[field], 0);
    host.emit({ type: 'download', done: sum('done'), expected: sum('expected'), at });
  };
}
