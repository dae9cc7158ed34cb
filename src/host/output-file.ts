// Where a run writes what the user asked for by name: an image, a record, a lock. A file appears when
// it is complete; pipes, terminals and devices are written to, and keep being what they are.

import { closeSync, constants, createWriteStream, fstat, open, type Stats } from 'node:fs';
import { access, chmod, chown, copyFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';
import type { Host } from './host.ts';
import { patience } from './limits.ts';
import { placeOf } from './output-place.ts';
import { type PartialFile, partialFile, removeAbandoned, writeFailure } from './partial-files.ts';
import { notice } from './say.ts';
import { lentOutput, type Output, ownOutput } from './stream-output.ts';

/** The part of the host that an output needs: a pipe's reader is waited for. */
export type OutputHost = Pick<Host, 'signal' | 'emit' | 'clock'>;

/** Milliseconds between two looks for a pipe's reader. */
const readerInterval = 100;

/**
 * Begins to write what the user named. A file is written beside its place and then renamed; a link to
 * a file of its folder stays a link. Rejects with a {@link Failure} for what cannot be written to, and
 * for what must not ({@link placeOf}).
 */
export async function openOutput(name: string, host: OutputHost): Promise<Output> {
  try {
    const place = await placeOf(name);
    switch (place.kind) {
      case 'file':
        return await openFile(name, place.path, place.before);
      case 'pipe':
        return ownOutput(await openPipe(name, place.path, host), brokenAt(name));
      case 'device':
        return ownOutput(await openDevice(place.path), brokenAt(name));
      case 'descriptor':
        return lentOutput(descriptorStream(place.number), brokenAt(name));
    }
  } catch (error) {
    throw writeFailure(error, name);
  }
}

/** Writes a text as a whole. Rejects with a {@link Failure}. */
export async function writeOutput(name: string, text: string, host: OutputHost): Promise<void> {
  const output = await openOutput(name, host);
  try {
    await output.write(Buffer.from(text));
    await output.complete();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** Says at once, and not after an hour of work, that a name cannot be written to. */
export async function checkOutput(name: string): Promise<void> {
  try {
    const place = await placeOf(name);
    if (place.kind === 'descriptor') return;
    const isNew = place.kind === 'file' && !place.before;
    await access(isNew ? dirname(place.path) : place.path, constants.W_OK);
  } catch (error) {
    throw writeFailure(error, name);
  }
}

async function openFile(name: string, path: string, before: Stats | undefined): Promise<Output> {
  // what is not to be written is not to be replaced either
  if (before) await access(path, constants.W_OK);
  await removeAbandoned(dirname(path));
  const partial = await partialFile(dirname(path)).catch(error => {
    // a folder that takes no new files may hold one that can be written
    if (before && ['EACCES', 'EPERM', 'EROFS'].includes(error.code)) return undefined;
    throw error;
  });
  if (partial) return replacingFile(name, path, before, partial);
  const flags = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
  return ownOutput(await openStream(path, flags, stats => stats.isFile()), brokenAt(name));
}

function replacingFile(
  name: string,
  path: string,
  before: Stats | undefined,
  partial: PartialFile,
): Output {
  const failure = (error: unknown) => writeFailure(error, name);
  const stream = ownOutput(createWriteStream(partial.path, { flags: 'wx' }), failure);
  return {
    write: stream.write,
    complete: async () => {
      await stream.complete();
      try {
        if (before) await becomeLike(partial.path, before);
        await partial.complete(path).catch(error => putInto(path, partial, error));
      } catch (error) {
        throw failure(error);
      }
    },
    discard: async () => {
      await stream.discard();
      await partial.discard();
    },
  };
}

/** A file that is replaced keeps its mode, and its owner where this user may give files away. */
async function becomeLike(path: string, { uid, gid, mode }: Stats): Promise<void> {
  await chown(path, uid, gid).catch(() => undefined);
  await chmod(path, mode & 0o777);
}

/** A single file that is mounted into a container cannot be replaced; its bytes can. */
async function putInto(path: string, partial: PartialFile, error: unknown): Promise<void> {
  if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
  await copyFile(partial.path, path);
  await partial.discard();
}

/**
 * Opens a pipe once somebody reads it: a wait inside of the system call would outlive this program's
 * own end.
 */
async function openPipe(name: string, path: string, host: OutputHost): Promise<Writable> {
  const end = performance.now() + patience.reader;
  for (let isTold = false; ; isTold = true) {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK;
    const descriptor = await openAs(path, flags, stats => stats.isFIFO()).catch(withoutReader);
    if (descriptor !== undefined) return new Socket({ fd: descriptor, readable: false });
    host.signal?.throwIfAborted();
    if (performance.now() >= end) throw unread(name);
    const message = `Waiting for a program that reads ${name}`;
    if (!isTold) notice(host, message);
    await pause(readerInterval);
  }
}

function withoutReader(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENXIO') throw error;
}

/** A terminal that is written to does not become the one that controls this process. */
const openDevice = (path: string) =>
  openStream(path, constants.O_WRONLY | constants.O_NOCTTY, stats => stats.isCharacterDevice());

async function openStream(path: string, flags: number, isRight: (stats: Stats) => boolean) {
  return createWriteStream('', { fd: await openAs(path, flags, isRight) });
}

/** Opens what was looked at: somebody may have put another thing into its place since. */
async function openAs(
  path: string,
  flags: number,
  isRight: (stats: Stats) => boolean,
): Promise<number> {
  const descriptor = await promisify(open)(path, flags);
  if (isRight(await promisify(fstat)(descriptor))) return descriptor;
  closeSync(descriptor);
  throw new Failure(`${path} became something else while it was opened.`);
}

/** Two streams over one pipe get in each other's way: Node has these already. */
function descriptorStream(number: number): Writable {
  if (number === 1) return process.stdout;
  if (number === 2) return process.stderr;
  return createWriteStream('', { fd: number, autoClose: false });
}

/** For what is no file of ours: nothing of it is removed. */
const brokenAt = (name: string) => (error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException;
  const isReaderGone = code === 'EPIPE' || code === 'ECONNRESET';
  return new Failure(
    isReaderGone
      ? `The program that reads ${name} ended before all of it was written.`
      : `${name} could not be written: ${message}`,
    { next: isReaderGone ? 'See its own messages.' : 'Check the place.', cause: error },
  );
};

const unread = (name: string) =>
  new Failure(`${name} is a pipe, and nobody reads it.`, {
    tried: `Waited ${patience.reader / 1000} s for a program that opens it.`,
    next: 'Start the reader first, or give a file.',
  });
