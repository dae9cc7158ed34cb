import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { once } from '../../host/once.ts';
import { isNamed, isThere, namedAt, unlessMissing } from '../../host/presence.ts';
import { visible } from '../../host/visible.ts';
import { type StorePlace, unreadable } from '../store-tree.ts';
import { toByteString } from '../tar-header.ts';

// What of this machine an image may be made of is decided here, and nowhere else: descriptions of
// images are written by others, and name whatever they like. Readers open files by what is in here.

/** The Nix store, as Nix itself tells of it. */
export interface SourceStore {
  /** What its paths begin with wherever they are written (`builtins.storeDir`). */
  storeDir: string;
  /** The folder in which they really are: another one in a chroot store. */
  place: string;
  /** All that a store path reaches by references, itself included; rejects where it is not valid. */
  closureOf(storePath: string): Promise<ReadonlySet<string>>;
}

/** A regular file that may be read; who opened it closes it. */
export interface SourceFile {
  handle: FileHandle;
  /** Bytes. */
  size: number;
  executable: boolean;
}

/** The image that was named, and all that it may be made of. */
export interface SourceFiles {
  /** The real path of the image's file or folder. */
  readonly named: string;
  /** The store path that is the image, where it is a valid one by itself. */
  storePath(): Promise<string | undefined>;
  /** Whether that is a folder; rejects where it is neither that nor a file. */
  isFolder(): Promise<boolean>;
  /** Whether there is anything of this name below the folder that was named. */
  has(name: string): Promise<boolean>;
  /** Opens a file; rejects with a {@link Failure} that names it where it may not be read. */
  open(path: string): Promise<SourceFile>;
  /** Where store paths are that a description names; rejects where one may not be packed. */
  storePlaces(paths: readonly string[]): Promise<StorePlace[]>;
}

/**
 * What an output of a build may be made of: its own closure.
 *
 * @param outPath a valid store path
 */
export async function filesOfOutput(outPath: string, store: SourceStore): Promise<SourceFiles> {
  const closure = once(() => store.closureOf(outPath));
  const rules = { own: undefined, store: async () => ({ ...store, closure }) };
  return sourceFiles(await followed(outPath, rules, outPath), rules);
}

/**
 * What a file or folder may be made of that the user names: itself, what is below it, and, where it
 * lies in the store, the closure of the store path that it lies in. Links of the user may lead
 * anywhere, those in the store within that closure.
 *
 * @param findStore asked once, and only where a link is followed or something else is read
 */
export async function filesOfPath(
  path: string,
  findStore: () => Promise<SourceStore | undefined>,
): Promise<SourceFiles> {
  const find = once(findStore);
  const full = resolve(path);
  await checkNamed(full, path);
  const isReal = (await realpath(full).catch(() => undefined)) === full;
  const { named, entry } = isReal ? { named: full } : await resolveNamed(full, await find());
  const store = once(async () => {
    const found = await find();
    const storePath = entry ?? (found && storePathOf(named, found));
    if (!found || storePath === undefined) return undefined;
    return { ...found, closure: once(() => found.closureOf(storePath)) };
  });
  if (entry !== undefined && !(await mayRead(named, { own: undefined, store }))) {
    throw outside(path, path);
  }
  return sourceFiles(named, { own: named, store });
}

/** What is missing in a folder that is there is said without asking Nix. */
async function checkNamed(full: string, path: string): Promise<void> {
  if (!(await isThere(dirname(full)))) return;
  // why something cannot be looked at is told where it is read
  const found = await lstat(full)
    .catch(unlessMissing)
    .catch(() => full);
  if (found === undefined) throw noSuchFile(path);
}

/**
 * The real path of what the user names, as Nix means links: what they name of the store is in the
 * store's place. `entry` is the store path through which the way leads first, if any.
 */
async function resolveNamed(
  path: string,
  store: SourceStore | undefined,
): Promise<{ named: string; entry?: string | undefined }> {
  let parts = partsOf(path);
  let at = '/';
  let entry: string | undefined;
  for (let links = 0; parts.length > 0; ) {
    const [name = '', ...rest] = parts;
    const next = join(at, name);
    entry ??= store && storePathOf(next, store);
    const target = await linkTarget(next, path);
    if (target === undefined) {
      at = next;
      parts = rest;
      continue;
    }
    links += 1;
    if (links > limits.links) throw endless(path);
    parts = [...partsOf(inPlace(resolve(at, target), store)), ...rest];
    at = '/';
  }
  return { named: at, entry };
}

const partsOf = (path: string) => path.split('/').filter(part => part !== '');

/** Where a link leads; undefined for what is no link. */
const linkTarget = (file: string, path: string): Promise<string | undefined> =>
  readlink(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EINVAL') return undefined;
    throw missing(path, error);
  });

interface Rules {
  /** It, and what is below it, may be read. */
  own: string | undefined;
  /** Undefined where the image lies in no store. */
  store(): Promise<StoreRules | undefined>;
}

interface StoreRules extends SourceStore {
  closure(): Promise<ReadonlySet<string>>;
}

function sourceFiles(named: string, rules: Rules): SourceFiles {
  return {
    named,
    isFolder: async () => {
      const stats = await lstat(named);
      if (!stats.isDirectory() && !stats.isFile()) throw noFile(named, stats);
      return stats.isDirectory();
    },
    storePath: async () => {
      // Nix is asked only where the name is such as it gives
      if (!storeName.test(basename(named))) return undefined;
      const store = await rules.store();
      const storePath = store && storePathOf(named, store);
      if (store === undefined || storePath === undefined) return undefined;
      if (named !== inPlace(storePath, store)) return undefined;
      return (await store.closure()).has(storePath) ? storePath : undefined;
    },
    has: name => isNamed(join(named, name)),
    open: path => openFile(path, rules, named),
    storePlaces: async paths => {
      if (paths.length === 0) return [];
      const store = await rules.store();
      if (!store) throw inNoStore(named);
      const closure = await store.closure();
      return paths.map(path => storePlace(path, store, closure, named));
    },
  };
}

function storePlace(
  path: string,
  store: SourceStore,
  closure: ReadonlySet<string>,
  named: string,
): StorePlace {
  const name = path.slice(store.storeDir.length + 1);
  if (path !== `${store.storeDir}/${name}` || !storeName.test(name)) {
    throw new Failure(`${visible(named)} names ${visible(path)}, which is no store path.`, {
      tried: `A path of the store is ${store.storeDir}/<hash>-<name>; nothing else is packed.`,
      next: rebuild,
    });
  }
  if (!closure.has(path)) throw outside(path, named);
  return { path, place: `${store.place}/${name}` };
}

/** What a path of the store is called: its hash in Nix's own digits, and a name. */
const storeName = /^[0-9abcdfghijklmnpqrsvwxyz]{32}-[\w+.?=-]{1,211}$/;

/** The store path that a real path lies in. */
function storePathOf(real: string, { storeDir, place }: SourceStore): string | undefined {
  if (!real.startsWith(`${place}/`)) return undefined;
  const [name = ''] = real.slice(place.length + 1).split('/', 1);
  return storeName.test(name) ? `${storeDir}/${name}` : undefined;
}

async function mayRead(real: string, rules: Rules): Promise<boolean> {
  if (rules.own !== undefined && isWithin(real, rules.own)) return true;
  const store = await rules.store();
  const storePath = store && storePathOf(real, store);
  return storePath !== undefined && (await store?.closure())?.has(storePath) === true;
}

const isWithin = (path: string, folder: string) =>
  path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`);

/**
 * Opens what a path leads to. It is judged twice: before it is opened, and as the opened file, which
 * nobody can exchange any more. Pipes and devices are not waited for.
 */
async function openFile(path: string, rules: Rules, named: string): Promise<SourceFile> {
  const real = await realFile(path, rules, named);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(real, flags).catch(async (error: unknown) => {
    const stats = await namedAt(real);
    throw stats && !stats.isFile() ? noFile(path, stats) : missing(path, error);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw noFile(path, stats);
    if (!(await isAt(handle, stats, real))) throw outside(path, named);
    return { handle, size: stats.size, executable: (stats.mode & 0o111) !== 0 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Whether an opened file is the one at a real path; Linux tells it, elsewhere its number does. */
async function isAt({ fd }: FileHandle, opened: Stats, real: string): Promise<boolean> {
  const path = await readlink(`/proc/self/fd/${fd}`).catch(() => undefined);
  if (path !== undefined) return path === real;
  const there = await lstat(real);
  return there.ino === opened.ino && there.dev === opened.dev && (await realpath(real)) === real;
}

/** The real path of what may be read; the store is asked for only where the own folder is left. */
async function realFile(path: string, rules: Rules, named: string): Promise<string> {
  const { own } = rules;
  if (own !== undefined && isWithin(resolve(path), own)) {
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined && isWithin(real, own)) return real;
  }
  return followed(path, rules, named);
}

/**
 * Follows links as Nix means them: what they name of the store is in the store's place. Each step
 * must be allowed, so that nothing else is even looked for.
 */
async function followed(path: string, rules: Rules, named: string): Promise<string> {
  const store = await rules.store();
  let at = inPlace(path, store);
  for (let links = 0; links < limits.links; links += 1) {
    if (!(await mayRead(at, rules))) throw outside(path, named);
    const folder = await realpath(dirname(at)).catch((error: unknown) => {
      throw missing(path, error);
    });
    at = join(folder, basename(at));
    const target = await linkTarget(at, path);
    if (target === undefined && !(await mayRead(at, rules))) throw outside(path, named);
    if (target === undefined) return at;
    at = inPlace(resolve(folder, target), store);
  }
  throw endless(path);
}

function inPlace(path: string, store: SourceStore | undefined): string {
  const full = resolve(path);
  if (!store || !isWithin(full, store.storeDir)) return full;
  return store.place + full.slice(store.storeDir.length);
}

const endless = (path: string) =>
  new Failure(`${visible(path)} is a link that leads to itself.`, { next: rebuild });

const rebuild = 'Build the target again with Nix, and look at what wrote its description.';

const outside = (path: string, named: string) =>
  new Failure(
    path === named
      ? `${visible(path)} leads to what is not part of it.`
      : `${visible(path)} is not part of the image ${visible(named)}.`,
    {
      tried:
        'An image is made of its own file or folder and, where it lies in the Nix store, of its ' +
        'closure: nothing else of this machine is read.',
      next: rebuild,
    },
  );

const inNoStore = (named: string) =>
  new Failure(`${visible(named)} names store paths and lies in no Nix store itself.`, {
    tried: 'Only Nix can say what belongs to an image, and it knows the closures of its own paths.',
    next: 'Name the store path that Nix has built (a link such as ./result will do).',
  });

const noFile = (path: string, stats: Stats) =>
  new Failure(`${visible(path)} is ${kindOf(stats)}, and no file: it is not read.`, {
    next: 'Name a file, or a folder that is an OCI layout.',
  });

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  if (stats.isSymbolicLink()) return 'a link';
  return 'a device';
}

function missing(path: string, error: unknown): Failure {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return unreadable(toByteString(path), error);
  return noSuchFile(path, error);
}

const noSuchFile = (path: string, cause?: unknown) =>
  new Failure(`There is no file ${visible(path)}.`, {
    next: 'Check its name; what Nix has built may have been collected as garbage.',
    cause,
  });
