import { access, constants, lstat, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from './failure.ts';
import { isInStore } from './foreign-file.ts';
import { freshName, type Hands, must, placeFile } from './hands.ts';
import type { Host } from './host.ts';
import { leaveKeeper } from './keeper.ts';
import { retries } from './limits.ts';
import { isLocked, withLock } from './lock.ts';
import { namedAt, namesIn, textAt } from './presence.ts';
import { currentUser } from './user.ts';

/**
 * A file of ours that is made of the parts of several runs: of jobs side by side, of several accounts,
 * of containers that have it in common. The parts lie beside it in the folder `.comfy-nix`:
 *
 * - `lock`: who changes anything here holds it;
 * - `ID.part`: the text of a run;
 * - `ID.lock`: beside the part of a job; while a process holds it, the part counts. A part without one
 *   counts until it is taken back.
 *
 * Whoever changes the file writes it anew from the parts that count, and removes the others. With the
 * last part all of it goes, and the line by which the file is read.
 */
export interface SharedFile {
  /** Absolute; `comfy-nix.conf` in the folder of those that read it. */
  file: string;
  /** What it holds, in words that complete "Another run is using …". */
  what: string;
  hands: Hands;
  /** Sees to it that the file is read, where that takes a line in a file of others. */
  include(): Promise<void>;
  /** Takes that line back. */
  exclude(): Promise<void>;
}

/** Whose part it is, and how long it counts. */
export interface Owner {
  /** `job-` and 16 hexadecimal digits, or `account-` and a number; see {@link isPartId}. */
  id: string;
  /** The folder of a job: without it the part does not count. Absent: it stays until it is taken back. */
  job?: string | undefined;
}

/** Whether a text can be the name of a part; what comes from elsewhere must be looked at. */
export const isPartId = (text: string): boolean => /^(job-[0-9a-f]{16}|account-\d+)$/.test(text);

/** What this account keeps, whichever run has written it. */
export const accountOwner = (): Owner => ({ id: `account-${currentUser().uid}` });

const header = '# Made by comfy-nix of the settings of its runs, and made anew by each of them.\n';

/**
 * Puts a part into the file, in place of the owner's earlier one. Gives whether the file has changed.
 * Rejects with a {@link Failure}; then nothing of the part is left.
 */
export function putPart(
  shared: SharedFile,
  owner: Owner,
  text: string,
  host: Host,
): Promise<boolean> {
  return alone(shared, host, async () => {
    await shared.include();
    if (!(await isThere(shared, owner, text))) await writePart(shared, owner, text, host);
    return rewrite(shared);
  });
}

/** Takes an owner's part out of the file. Gives whether the file has changed. Rejects with a {@link Failure}. */
export async function takePart(shared: SharedFile, id: string, host: Host): Promise<boolean> {
  if (!(await hasToChange(shared, id))) return false;
  return alone(shared, host, async () => {
    await removePart(shared, id);
    return rewrite(shared);
  });
}

/** The text of an owner's part; undefined where it has none, or nobody may look. */
export function readPart(shared: Place, id: string): Promise<string | undefined> {
  return textAt(partFile(shared, id));
}

/**
 * Whether taking an owner's part back changes anything: it has one, or a run that was killed has left
 * something there.
 */
export async function hasToChange(shared: Place, id: string): Promise<boolean> {
  const ids = await idsIn(shared);
  if (ids.includes(id)) return true;
  if (ids.length === 0) return (await identity(folderOf(shared))) !== undefined;
  for (const each of ids) if (!(await counts(shared, each))) return true;
  return false;
}

/** What all of them need to know of a file to find the parts. */
type Place = Pick<SharedFile, 'file'>;

const folderOf = ({ file }: Place) => join(dirname(file), '.comfy-nix');
const partFile = (shared: Place, id: string) => join(folderOf(shared), `${id}.part`);
const keptFile = (shared: Place, id: string) => join(folderOf(shared), `${id}.lock`);

/** Works while no other run does. The folder goes with its last part, so that it may have to be made again. */
async function alone<Value>(
  shared: SharedFile,
  host: Host,
  work: () => Promise<Value>,
): Promise<Value> {
  const lock = join(folderOf(shared), 'lock');
  for (let attempt = 1; ; attempt++) {
    await makeFolder(shared, lock);
    const before = await identity(lock);
    const done = await withLock(lock, { what: shared.what }, host, async () => {
      // a lock whose file is gone keeps nobody out
      if (before === undefined || (await identity(lock)) !== before) throw lost(shared);
      const result = await work().then(
        value => ({ value }),
        (error: unknown) => ({ error }),
      );
      await leave(shared).catch(() => undefined);
      return result;
    }).catch(async (error: unknown) => {
      const isGone = (await identity(lock)) !== before || before === undefined;
      if (isGone && attempt < retries.clearedAway) return undefined;
      throw error;
    });
    if (done === undefined) continue;
    if ('error' in done) throw done.error;
    return done.value;
  }
}

const lost = ({ file }: SharedFile): Failure =>
  new Failure(`The lock beside ${file} has gone time and again while it was taken.`, {
    next: 'Run this again when no other run begins or ends.',
  });

async function makeFolder({ file, hands }: SharedFile, lock: string): Promise<void> {
  const isForAll = hands.who === 'root';
  const parent = await realpath(dirname(file)).catch(() => dirname(file));
  if (isInStore(parent)) throw new Failure(`The folder ${dirname(file)} lies in a Nix store.`);
  await access(parent, constants.R_OK | constants.X_OK).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'EACCES') throw new Failure(`This user may not look into ${parent}.`);
  });
  const folder = dirname(lock);
  if ((await identity(folder)) === undefined) {
    // of the folders that -p makes, the last alone gets the mode
    const mode = isForAll ? '755' : '700';
    for (const each of [dirname(folder), folder])
      await must(hands, 'mkdir', '-p', '-m', mode, each);
  }
  const mode = isForAll ? 0o666 : 0o600;
  const present = await namedAt(lock);
  if (present === undefined) await must(hands, 'touch', lock);
  // every account has to be able to lock it; a run may have been killed between the two
  if (((present?.mode ?? 0) & 0o777) !== mode) await must(hands, 'chmod', mode.toString(8), lock);
}

async function identity(file: string): Promise<string | undefined> {
  const stats = await lstat(file, { bigint: true }).catch(() => undefined);
  return stats && `${stats.dev}:${stats.ino}`;
}

async function isThere(shared: SharedFile, { id, job }: Owner, text: string): Promise<boolean> {
  const present = await readPart(shared, id);
  return present === text && job === undefined && (await counts(shared, id));
}

/** The lock comes first: a part without one would count for good. */
async function writePart(
  shared: SharedFile,
  { id, job }: Owner,
  text: string,
  host: Host,
): Promise<void> {
  const { hands } = shared;
  const [part, lock] = [partFile(shared, id), keptFile(shared, id)];
  if (job !== undefined) {
    const { uid, gid } = currentUser();
    await must(hands, 'touch', lock);
    if (hands.who === 'root') await must(hands, 'chown', `${uid}:${gid}`, lock);
  }
  await placeFile(part, text, '644', hands);
  if (job !== undefined) await leaveKeeper(lock, [part, job], host);
  else if ((await identity(lock)) !== undefined) await must(hands, 'rm', '-f', lock);
}

async function removePart(shared: SharedFile, id: string): Promise<void> {
  // in this order: a part without a lock would count for good
  await must(shared.hands, 'rm', '-f', partFile(shared, id), keptFile(shared, id));
}

async function counts(shared: Place, id: string): Promise<boolean> {
  const lock = keptFile(shared, id);
  return (await identity(lock)) === undefined || (await isLocked(lock));
}

/** Writes the file from the parts that count, where it is not so already; gives whether it was not. */
async function rewrite(shared: SharedFile): Promise<boolean> {
  const texts: string[] = [];
  for (const id of await idsIn(shared)) {
    if (await counts(shared, id)) texts.push(await readFile(partFile(shared, id), 'utf8'));
    else await removePart(shared, id);
  }
  const { file, hands } = shared;
  const present = await textAt(file);
  // several jobs may say the same
  const wanted = texts.length === 0 ? undefined : [header, ...new Set(texts)].join('');
  if (wanted === present) return false;
  if (wanted === undefined) await must(hands, 'rm', '-f', file, freshName(file));
  else await placeFile(file, wanted, '644', hands);
  return true;
}

async function idsIn(shared: Place): Promise<string[]> {
  const names = await namesIn(folderOf(shared));
  const ids = names.flatMap(name => /^(.*)\.part$/.exec(name)?.[1] ?? []);
  return ids.filter(isPartId).sort();
}

/** Where no part is left, nothing else is either. */
async function leave(shared: SharedFile): Promise<void> {
  if ((await idsIn(shared)).length > 0) return;
  await must(shared.hands, 'rm', '-f', shared.file, freshName(shared.file));
  await shared.exclude();
  await must(shared.hands, 'rm', '-r', '-f', folderOf(shared));
}
