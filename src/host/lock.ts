import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { patience } from './limits.ts';
import { isNamed, namedAt } from './presence.ts';
import { naming, type Waiter } from './wait.ts';

/** A lock that this process holds; it ends with the process at the latest, however that ends. */
export interface Lock {
  release(): void;
}

/** How a lock is waited for. */
export interface LockRequest {
  /** What is locked, in words that complete "Another run is using …". */
  what: string;
  /** Milliseconds to wait at most; `patience.lock` without it. */
  limit?: number;
}

/** SQLite's result codes (sqlite.org/rescode.html). */
const busy = 5;

/** With its journal in memory SQLite needs no right to write to the folder, which may be root's. */
export const exclusively = 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE';

/** Databases of locks that are held: one that nobody refers to would be closed with the next collection. */
const held = new Set<DatabaseSync>();

function letGo(database: DatabaseSync): void {
  held.delete(database);
  database.close();
}

/** Milliseconds between two attempts, about. */
const interval = 50;

/**
 * Takes the lock of a file when it is free; undefined while another process, of whatever container, or
 * another lock of this process holds it. The file is made where it is missing, stays empty, and is
 * not to be removed but with the folder that belongs to the lock's owner: who waits for it may have
 * opened it already. Rejects with a {@link Failure} where the file can be no lock.
 *
 * The lock is SQLite's `BEGIN EXCLUSIVE`, a lock of the kernel's on the file: it is seen from other
 * process namespaces, and is free as soon as its owner is gone, by SIGKILL as well. It is free, too, as
 * soon as its process closes the file in any other way (POSIX): nobody opens it but this function.
 */
export async function tryLock(file: string): Promise<Lock | undefined> {
  // SQLite would follow a link, and make the file that it names
  const stats = await namedAt(file);
  if (stats && !stats.isFile()) throw noLock(file, 'it is no ordinary file');
  const sqlite = await import('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    const opened = new sqlite.DatabaseSync(file, { timeout: 0 });
    database = opened;
    opened.exec(exclusively);
    held.add(opened);
    return { release: () => letGo(opened) };
  } catch (error) {
    database?.close();
    if (resultCode(error) === busy) return undefined;
    throw noLock(file, (error as Error).message, error);
  }
}

/**
 * The same for a file that whoever holds its lock may remove: undefined, too, where that has happened
 * just before it was locked, so that this lock keeps nobody out.
 */
export async function tryLockInPlace(file: string): Promise<Lock | undefined> {
  const lock = await tryLock(file);
  if (lock === undefined || (await isNamed(file))) return lock;
  lock.release();
  return undefined;
}

/**
 * Works while holding the lock of a file, which is waited for. Rejects with a {@link Failure} when it
 * does not become free in time, and with the reason of the host's signal when that aborts.
 */
export async function withLock<Value>(
  file: string,
  { what, limit = patience.lock }: LockRequest,
  host: Waiter,
  work: () => Promise<Value>,
): Promise<Value> {
  const end = performance.now() + limit;
  const { emit, clock = Date.now, signal } = host;
  const startedAt = clock();
  const waitFor = async () => {
    for (let attempt = 1; ; attempt += 1) {
      const lock = await tryLock(file);
      if (lock !== undefined && attempt > 1) {
        emit?.({ type: 'span', kind: 'wait', detail: what, startedAt, at: clock() });
      }
      if (lock !== undefined) return lock;
      signal?.throwIfAborted();
      if (performance.now() >= end) throw stillBusy(file, what, limit);
      await pause(interval * (0.5 + Math.random()));
    }
  };
  const lock = await naming(`another run, which is using ${what}`, host, waitFor);
  try {
    signal?.throwIfAborted();
    return await work();
  } finally {
    lock.release();
  }
}

/**
 * Whether a process of whatever container holds the lock of a file; false where there is none. Being
 * allowed to read it is enough, and nobody who wants the lock meanwhile is kept from it for long.
 */
export async function isLocked(file: string): Promise<boolean> {
  const stats = await namedAt(file);
  if (!stats?.isFile()) return false;
  const sqlite = await import('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(file, { timeout: 0, readOnly: true });
    database.prepare('SELECT 1 FROM sqlite_master').get();
    return false;
  } catch (error) {
    return resultCode(error) === busy;
  } finally {
    database?.close();
  }
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  // extended codes keep the plain one in their lowest byte
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

export const noLock = (file: string, why: string, cause?: unknown) =>
  new Failure(`${file} cannot be locked: ${why}.`, {
    next: 'See that its folder is there and can be written to, and that nobody else made this file.',
    cause,
  });

const stillBusy = (file: string, what: string, limit: number) =>
  new Failure(`Another run is using ${what}, and has not ended.`, {
    tried: `Waited ${Math.round(limit / 1000)} s for its lock ${file}.`,
    next: 'Wait for that run or end it; the lock is free as soon as its process is gone.',
  });
