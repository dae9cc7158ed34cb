import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from './failure.ts';
import { freshName, type Hands, must, withText } from './hands.ts';

/** What came of the wish to change a file: `kept` says why it may not be, and completes "since …". */
export type Change = 'changed' | 'unchanged' | { kept: string };

/**
 * Makes a text from a file's; undefined stands for no file, on both sides. A byte is a character of
 * the same number (latin1): what is not ours comes back as it was, in whatever encoding it is.
 */
export type Edit = (text: string | undefined) => string | undefined;

/** What a file's owner, mode and place say of it. */
interface Facts {
  /** `mode owner:group`, the mode in octal digits. */
  rights: string;
  links: number;
  /** What tells that somebody has changed it meanwhile. */
  state: string;
}

/**
 * Reads a file that is not ours, whole, as root where this user may not; undefined where there is none.
 * Rejects with a {@link Failure} where nobody could read it.
 */
export async function readForeignFile(file: string, hands: Hands): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'EACCES') throw unreadable(file, message);
    if (!(await holds('-e', file, hands))) return undefined;
    const encoded = await must(hands, 'base64', file).catch((cause: Error) => {
      throw unreadable(file, cause.message);
    });
    return Buffer.from(encoded, 'base64').toString('latin1');
  }
}

/**
 * Changes a file that is not ours, whole or not at all; only what was read whole before is changed. It
 * keeps its owner, its mode and its attributes, and a link that leads to it stays one. It is left alone
 * where it lies in a Nix store, where its owner has taken himself the right to write, where it has
 * other names, and where the system forbids it (read-only, immutable, mounted by itself). What a run
 * that was killed has left beside it is taken away. Rejects with a {@link Failure} where it cannot be
 * read.
 */
export async function changeForeignFile(
  file: string,
  edit: Edit,
  hands: Hands,
  mode = '644',
): Promise<Change> {
  const real = await realPath(file, hands);
  const before = await factsOf(real, hands);
  const text = await readForeignFile(file, hands);
  const wanted = edit(text);
  if (wanted === text) {
    if (await holds('-e', freshName(real), hands)) await must(hands, 'rm', '-f', freshName(real));
    return 'unchanged';
  }
  const reason =
    before === undefined && (await holds('-L', file, hands))
      ? 'it is a link to nothing'
      : text !== undefined && before === undefined
        ? 'its owner and mode cannot be seen'
        : reasonToKeep(real, before);
  if (reason !== undefined) return { kept: reason };
  const refusal =
    wanted === undefined
      ? await attempt(hands, 'rm', '-f', real)
      : await replace(real, wanted, before ?? mode, hands);
  if (refusal === undefined) return 'changed';
  await hands.run('rm', ['-f', freshName(real)]);
  return { kept: `it cannot be replaced (${refusal})` };
}

/** Whether a path lies below an entry of a Nix store, wherever that is: `…/HASH-name/…`. */
export const isInStore = (path: string): boolean =>
  /\/[0-9a-df-np-sv-z]{32}-[^/]+(\/|$)/.test(path);

function reasonToKeep(path: string, facts: Facts | undefined): string | undefined {
  if (isInStore(path)) return `it lies in a Nix store (${path})`;
  if (facts === undefined) return undefined;
  const mode = facts.rights.split(' ')[0] ?? '';
  if ((Number.parseInt(mode, 8) & 0o200) === 0) return `it is read-only (mode ${mode})`;
  if (facts.links > 1) return `the same file has other names (${facts.links} hard links)`;
  return undefined;
}

/**
 * The new file is made beside the old one, with all that the old one has but its text, or with a mode
 * where there is none. Gives what stood in the way.
 */
async function replace(
  file: string,
  text: string,
  like: Facts | string,
  hands: Hands,
): Promise<string | undefined> {
  const fresh = freshName(file);
  const isNew = typeof like === 'string';
  return (
    (await attempt(hands, 'rm', '-f', fresh)) ??
    (isNew ? undefined : await copyAttributes(file, fresh, hands)) ??
    (await withText(Buffer.from(text, 'latin1'), hands, source =>
      attempt(hands, 'cp', source, fresh),
    )) ??
    (isNew ? await attempt(hands, 'chmod', like, fresh) : await lost(file, fresh, like, hands)) ??
    (await attempt(hands, 'mv', '-f', fresh, file))
  );
}

async function copyAttributes(file: string, fresh: string, hands: Hands) {
  const refusal = await attempt(hands, 'cp', '--preserve=all', '--attributes-only', file, fresh);
  // busybox and macOS know of owner and mode alone
  return refusal !== undefined && /(unrecognized|illegal) option/.test(refusal)
    ? attempt(hands, 'cp', '-p', file, fresh)
    : refusal;
}

/** cp says nothing where this user may not give a file away. */
async function lost(file: string, fresh: string, before: Facts, hands: Hands) {
  const [now, made] = [await factsOf(file, hands), await factsOf(fresh, hands)];
  if (made?.rights !== before.rights) return `only root can keep its mode and owner`;
  return now?.state === before.state ? undefined : 'somebody else has just changed it';
}

/** Runs a program; gives the first thing that it said where it fails. */
async function attempt({ run }: Hands, file: string, ...args: readonly string[]) {
  const { code, stderr } = await run(file, args);
  return code === 0 ? undefined : stderr.split('\n')[0] || file;
}

/** Looks at a file as this user, and as `hands` where this user may not. */
async function look<Found>(
  directly: () => Promise<Found>,
  byHands: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  try {
    return await directly();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? byHands() : undefined;
  }
}

const holds = async (test: '-e' | '-L', file: string, { run }: Hands): Promise<boolean> =>
  (await look(
    async () => {
      const stats = await lstat(file);
      return test === '-e' || stats.isSymbolicLink();
    },
    async () => (await run('test', [test, file])).code === 0,
  )) ?? false;

/** The file behind all links; of one that is to be made, where that will be. */
async function realPath(file: string, { run }: Hands): Promise<string> {
  const byHands = async () => {
    const { code, stdout } = await run('readlink', ['-f', file]);
    return code === 0 ? stdout.replace(/\n$/, '') : undefined;
  };
  const found = await look(() => realpath(file), byHands);
  const beside = async () => join(await realpath(dirname(file)), basename(file));
  return found ?? (await look(beside, byHands)) ?? file;
}

/** Undefined where there is no such file. */
async function factsOf(file: string, { run }: Hands): Promise<Facts | undefined> {
  return look(
    async () => {
      const { mode, uid, gid, nlink, dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
      return {
        rights: `${(mode & 0o7777n).toString(8)} ${uid}:${gid}`,
        links: Number(nlink),
        state: [dev, ino, size, mtimeNs].join(' '),
      };
    },
    async () => {
      const { code, stdout } = await run('stat', ['-c', '%a %u:%g|%h|%d %i %s %y', file]);
      if (code !== 0) return undefined;
      const [rights = '', links = '', state = ''] = stdout.trim().split('|');
      return { rights, links: Number(links), state };
    },
  );
}

const unreadable = (file: string, why: string): Failure =>
  new Failure(`${file} cannot be read, so it is not changed: ${why}`, {
    next: `See that ${file} is an ordinary file that you or root can read.`,
  });
