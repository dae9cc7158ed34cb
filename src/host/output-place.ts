import { fstat, type Stats } from 'node:fs';
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';
import { limits } from './limits.ts';
import { unlessMissing } from './presence.ts';

/** What a name stands for, links followed. */
export type OutputPlace =
  /** `before` is what is replaced. */
  | { kind: 'file'; path: string; before: Stats | undefined }
  | { kind: 'pipe' | 'device'; path: string }
  /** One of this process's own, by a name such as /dev/stdout. */
  | { kind: 'descriptor'; number: number };

/**
 * What a name that the user gave for an output stands for. Rejects with a {@link Failure} for what is
 * neither file nor pipe nor character device, and for a link to a file outside of its folder, which
 * somebody else may have put there; with an error of the file system where a folder is missing.
 */
export async function placeOf(name: string): Promise<OutputPlace> {
  const folder = await realpath(dirname(resolve(name)));
  const descriptors = await realpath('/proc/self/fd').catch(() => undefined);
  let path = join(folder, basename(resolve(name)));
  for (let links = 0; links <= limits.links; links++) {
    if (dirname(path) === descriptors) return descriptorOf(name, Number(basename(path)));
    const stats = await lstat(path).catch(unlessMissing);
    if (!stats?.isSymbolicLink()) return fileAt(name, folder, path, stats);
    // other processes' descriptors look like links, and lead where their texts do not
    const end = await stat(path).catch(unlessMissing);
    if (end && !end.isFile()) return placeAt(name, path, end);
    const target = resolve(dirname(path), await readlink(path));
    path = join(await realpath(dirname(target)), basename(target));
  }
  throw refused(name, `is a link over more than ${limits.links} others`);
}

function fileAt(name: string, folder: string, path: string, stats: Stats | undefined): OutputPlace {
  if (stats && !stats.isFile()) return placeAt(name, path, stats);
  if (path.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    return { kind: 'file', path, before: stats };
  }
  throw refused(
    name,
    `is a link to ${path}, which is outside of its folder`,
    `name ${path} itself`,
  );
}

function placeAt(name: string, path: string, stats: Stats): OutputPlace {
  if (stats.isFIFO()) return { kind: 'pipe', path };
  if (stats.isCharacterDevice()) return { kind: 'device', path };
  throw refused(name, `is ${describe(stats)}`);
}

async function descriptorOf(name: string, number: number): Promise<OutputPlace> {
  const stats = await promisify(fstat)(number).catch(() => undefined);
  if (!stats) throw refused(name, 'is not open');
  const isStream = stats.isFile() || stats.isFIFO() || stats.isCharacterDevice();
  if (isStream || stats.isSocket()) return { kind: 'descriptor', number };
  throw refused(name, `is ${describe(stats)}`);
}

function describe(stats: Stats): string {
  if (stats.isBlockDevice()) return 'a block device';
  if (stats.isSocket()) return 'a socket';
  return stats.isDirectory() ? 'a folder' : 'nothing that bytes are written to';
}

const refused = (name: string, why: string, instead = 'name a file, a pipe or a terminal') =>
  new Failure(`${name} ${why}. Nothing was written to it.`, {
    next: `If it is meant, ${instead}; else give another name.`,
  });

/** Whether a name stands for this process's standard output, be that a file, a pipe or a device. */
export async function isStandardOutput(name: string): Promise<boolean> {
  const none = () => undefined;
  const [named, own] = await Promise.all([stat(name).catch(none), promisify(fstat)(1).catch(none)]);
  return named !== undefined && named.ino === own?.ino && named.dev === own.dev;
}
