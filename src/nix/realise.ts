import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../host/failure.ts';
import { eitherSignal } from '../host/signals.ts';
import { kindOf } from './causes/kind.ts';
import { createEventReader, type EventReader } from './events.ts';
import { runNix } from './nix.ts';
import type { DerivationOutput, Nix, NixEvent } from './types.ts';
import { watchValidity } from './validity.ts';

/** How to realise. */
export interface RealiseOptions {
  /** A folder of this run, made when missing: its links protect outputs from garbage collection. */
  rootsDirectory: string;
  /** Outputs that the store is known to have; they are not asked for. */
  valid?: ReadonlySet<string>;
  /** Receives what happens, and `output-valid` once for each output. */
  onEvent?: (event: NixEvent) => void;
  /** The layer that a derivation belongs to, for failures. */
  layerOf?: (drvPath: string) => string | undefined;
  /** What is known of the caches; it hears what Nix says by `onEvent`. */
  caches?: CacheWatch | undefined;
}

/** Caches that stop working while Nix takes from them. Addresses are those of Nix's settings. */
export interface CacheWatch {
  /** Takes one of Nix's messages. Returns at once. */
  hear(message: string): void;
  /** Resolves with the number of caches that have failed, once all that was heard is looked into. */
  settled(): Promise<number>;
  hasFailed(cache: string): boolean;
  /** The same Nix without the caches that have failed. */
  without(nix: Nix): Promise<Nix>;
  /** Calls back when another cache fails, until what this returns is called. */
  onFailure(listener: () => void): () => void;
}

/**
 * Builds or substitutes the outputs, in one Nix process. What does not depend on a failed build is
 * realised all the same. When this ends, all that is valid is protected from garbage collection
 * until {@link dropRoots}. Where a cache fails, and Nix breaks down of it or does nothing but wait for
 * it, all is begun again without that cache.
 *
 * Rejects with a {@link Failure} that names every build that failed by itself, or with the reason
 * of the host's signal.
 */
export async function realise(
  nix: Nix,
  outputs: readonly DerivationOutput[],
  options: RealiseOptions,
): Promise<void> {
  if (outputs.length === 0) return;
  const { caches } = options;
  for (;;) {
    const failedBefore = (await caches?.settled()) ?? 0;
    const usable = (await caches?.without(nix)) ?? nix;
    const { failure, ofItself } = await realiseOnce(usable, outputs, options);
    if (failure === undefined) return;
    const failedNow = (await caches?.settled()) ?? 0;
    nix.host.signal?.throwIfAborted();
    if (ofItself || failedNow === failedBefore) throw failure;
  }
}

/** An interrupted Nix ends what is under way as it ends what is done: none of that has come to its end. */
const isBrokenOff = ({ type }: NixEvent, interrupt: AbortSignal | undefined): boolean =>
  interrupt?.aborted === true && (type === 'build-end' || type === 'substitute-end');

/** A process that a signal has ended says nothing itself. */
const killed = 'Nix was killed while it built.';

/** How one Nix process has ended. */
interface Ending {
  failure?: Failure;
  /** A build has failed, which no other cache could mend. */
  ofItself?: boolean;
}

async function realiseOnce(
  nix: Nix,
  outputs: readonly DerivationOutput[],
  options: RealiseOptions,
): Promise<Ending> {
  const tell = options.onEvent ?? (() => undefined);
  const reader = createEventReader();
  const watch = watchValidity(nix, outputs, options.valid ?? new Set(), reader, tell);
  const root = join(await newFolder(options.rootsDirectory), 'output');
  watch.look();
  const idle = whenWaitingForFailed(reader, options.caches);
  const { signal: interrupt } = nix.host;
  const ending = await runNix(nix, 'nix-store', realiseArguments(outputs, root), {
    signal: eitherSignal(interrupt, idle.signal),
    // builds take what they take; Nix has settings for their time (timeout, max-silent-time)
    limit: 'none',
    onStderrLine: line => {
      const completed = reader.completed();
      const events = reader.read(line, nix.host.clock());
      for (const event of events) if (!isBrokenOff(event, interrupt)) tell(event);
      if (reader.completed() !== completed) watch.look();
      idle.look();
    },
  })
    .catch((error: unknown) => {
      if (!idle.signal.aborted || interrupt?.aborted) throw error;
      return { code: null };
    })
    .finally(idle.end);
  const valid = await watch.finish(ending.code === 0);
  if (ending.code === 0) return {};
  await protect(nix, valid, root);
  return brokenEnding(reader, ending.code === null && !idle.signal.aborted, nix, options);
}

async function brokenEnding(
  reader: EventReader,
  isKilled: boolean,
  { place }: Nix,
  { layerOf }: RealiseOptions,
): Promise<Ending> {
  const { buildFailure, rootsOf } = await import('./build-failure.ts');
  const failed = reader.failed();
  const errors = isKilled ? [...reader.errors(), killed] : reader.errors();
  const failure = buildFailure(failed, errors, {
    layerOf,
    kindOf: drvPath => kindOf(drvPath, place),
  });
  return { failure, ofItself: rootsOf(failed).length > 0 };
}

/**
 * A signal that aborts when a cache has failed and Nix does nothing but wait for caches that have: no
 * build is under way, and nothing comes from another cache.
 */
function whenWaitingForFailed(reader: EventReader, caches: CacheWatch | undefined) {
  const waiting = new AbortController();
  let failed = false;
  const look = () => {
    if (!failed || caches === undefined) return;
    const works = reader.running().length > 0;
    const takes = reader.substituting().some(cache => !caches.hasFailed(cache));
    if (!works && !takes) waiting.abort();
  };
  const end = caches?.onFailure(() => {
    failed = true;
    look();
  });
  return { signal: waiting.signal, look, end: () => end?.() };
}

/** Gives up the protection from garbage collection of all that was realised with this folder. */
export async function dropRoots(rootsDirectory: string): Promise<void> {
  await rm(rootsDirectory, { recursive: true, force: true });
}

/** "x.drv!out" names an output to every version of nix-store, and only to nix-store. */
function realiseArguments(outputs: readonly DerivationOutput[], root: string): string[] {
  const wanted = outputs.map(({ drvPath, outputName }) => `${drvPath}!${outputName}`);
  return [
    ...['--realise', '--keep-going', '--log-format', 'internal-json'],
    ...['--add-root', root, '--indirect'],
    ...new Set(wanted),
  ];
}

/** A failed `nix-store --realise` leaves no roots: they are made here for what it has done. */
async function protect(nix: Nix, valid: ReadonlySet<string>, root: string): Promise<void> {
  if (valid.size === 0) return;
  await runNix(nix, 'nix-store', ['--realise', '--add-root', root, '--indirect', ...valid]);
}

/** Nix numbers the roots of one process; a folder for each keeps processes apart. */
async function newFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'realised-'));
}
