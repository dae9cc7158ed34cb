import type { Count } from '../host/events.ts';
import { limits } from '../host/limits.ts';
import { activity, level, parseLine, type RawEvent, result } from './internal-json.ts';
import type { NixEvent } from './types.ts';

/** A build that did not come to its end, or could not begin. */
export interface FailedDerivation {
  drvPath: string;
  /** What Nix said of it, without colours; "" when it said nothing. */
  message: string;
  /** The end of the builder's log, at most `limits.logLines` lines. */
  log: readonly string[];
}

/** Turns the lines of one Nix process into events. */
export interface EventReader {
  /** `at`: when the line arrived, ms since the epoch. */
  read(line: string, at: number): NixEvent[];
  /** Ends a build of which the store says that its outputs are valid. */
  succeeded(drvPath: string, at: number): NixEvent[];
  /** Derivations whose build has begun and not ended. */
  running(): string[];
  /** Caches from which a path is being taken, as Nix names them. */
  substituting(): string[];
  /** Addresses of files that are being fetched, or asked for. */
  fetching(): string[];
  /** Grows whenever a build or a substitution may have ended. */
  completed(): number;
  failed(): FailedDerivation[];
  /** Errors of Nix, and what other programs wrote on its standard error; at most the last 200. */
  errors(): readonly string[];
}

interface State {
  /** Activity id → derivation; a derivation built remotely may have two at a time. */
  builds: Map<string, string>;
  /** Derivations that run, with the end of their logs. */
  open: Map<string, string[]>;
  failed: Map<string, { message: string; log: readonly string[] }>;
  /** How many of Nix's count of failed builds are in `failed`: failed dependencies are not counted. */
  counted: number;
  /** Activity id → path, and its size once something of it comes. */
  substitutes: Map<string, Substitution>;
  /** Activity id of the copying → what it is part of, until its size is known. */
  copies: Map<string, Substitution>;
  downloads: Downloads;
  /** Activity id of type 103 or 104 → its last progress. */
  progress: Map<string, { type: number; done: number; expected: number; failed: number }>;
  stops: number;
  errors: string[];
}

interface Substitution {
  path: string;
  cache: string;
  /** Bytes as a NAR. */
  narSize?: number;
}

interface Downloads {
  /** Activity id → address, of those that have not ended. */
  open: Map<string, string>;
  /** Activity id → bytes done and expected. */
  files: Map<string, { done: number; expected: number }>;
  /** Sums over `files`. */
  done: number;
  known: number;
  /** Activity id → bytes of all files that it expects. */
  foreseen: Map<string, number>;
}

/**
 * A reader for the log of `nix-store --realise` or `nix eval`, of Nix 2.8 and newer.
 *
 * The end of a build shows itself in different ways, and the first one counts: the activity's stop
 * (2.8 holds those of the wanted derivations back until all is done), an error that names it, or,
 * from outside, its outputs' validity (`succeeded`). A stop does not say whether the build failed;
 * the count of failed builds that came just before it does.
 */
export function createEventReader(): EventReader {
  const state: State = {
    builds: new Map(),
    open: new Map(),
    failed: new Map(),
    counted: 0,
    substitutes: new Map(),
    copies: new Map(),
    downloads: { open: new Map(), files: new Map(), done: 0, known: 0, foreseen: new Map() },
    progress: new Map(),
    stops: 0,
    errors: [],
  };
  return {
    read: (line, at) => {
      const progressing = progressLine.exec(line)?.[1];
      if (progressing !== undefined && !isFollowed(state, progressing)) return [];
      const raw = parseLine(line);
      return raw ? translate(state, raw, line.startsWith('@nix '), at) : [];
    },
    succeeded: (drvPath, at) => endBuild(state, drvPath, false, at),
    running: () => [...state.open.keys()],
    substituting: () => [...state.substitutes.values()].map(({ cache }) => cache),
    fetching: () => [...state.downloads.open.values()],
    completed: () => {
      const done = [...state.progress.values()].map(progress => progress.done + progress.failed);
      return state.stops + done.reduce((sum, count) => sum + count, 0);
    },
    failed: () => [...state.failed].map(([drvPath, failure]) => ({ drvPath, ...failure })),
    errors: () => state.errors,
  };
}

/**
 * Progress as all versions write it; other forms are read all the same, only slower. Nix tells of every
 * 8 KiB that it unpacks: a hundred and twenty thousand lines for a gigabyte.
 */
const progressLine = /^@nix \{"action":"result","fields":\[[\d,]*\],"id":(\d+),"type":105\}$/;

const isFollowed = ({ progress, downloads, copies }: State, id: string): boolean =>
  progress.has(id) || downloads.files.has(id) || copies.has(id);

function translate(state: State, raw: RawEvent, fromNix: boolean, at: number): NixEvent[] {
  switch (raw.action) {
    case 'start':
      return startActivity(state, raw, at);
    case 'stop':
      return stopActivity(state, raw.id, at);
    case 'result':
      return readResult(state, raw, at);
    case 'msg':
      return readMessage(state, raw, fromNix, at);
  }
}

/** What paths of a store look like, and of its derivations: other programs may write such lines too. */
const pathPattern = /^\/[\w./+?=-]+$/;
const drvPattern = /^\/[\w./+?=-]+\.drv$/;

type Of<Action extends RawEvent['action']> = Extract<RawEvent, { action: Action }>;

function startActivity(state: State, raw: Of<'start'>, at: number): NixEvent[] {
  const [first, second] = raw.fields.map(String);
  switch (raw.type) {
    case activity.build: {
      if (first === undefined || !drvPattern.test(first)) return [];
      state.builds.set(raw.id, first);
      if (state.open.has(first)) return [];
      state.open.set(first, []);
      return [{ type: 'build-start', drvPath: first, machine: second ?? '', at }];
    }
    case activity.substitute:
      if (first === undefined || !pathPattern.test(first)) return [];
      state.substitutes.set(raw.id, { path: first, cache: second ?? '' });
      return [{ type: 'substitute-start', path: first, cache: second ?? '', at }];
    case activity.copyPath: {
      // of a remote build's files there is no substitution
      const whole = [...state.substitutes.values()].find(({ path }) => path === first);
      if (whole) state.copies.set(raw.id, whole);
      return [];
    }
    case activity.fileTransfer:
      if (first !== undefined) state.downloads.open.set(raw.id, first);
      state.downloads.files.set(raw.id, { done: 0, expected: 0 });
      return [];
    case activity.builds:
    case activity.copyPaths:
      state.progress.set(raw.id, { type: raw.type, done: 0, expected: 0, failed: 0 });
      return [];
    default:
      return [];
  }
}

function stopActivity(state: State, id: string, at: number): NixEvent[] {
  state.copies.delete(id);
  state.downloads.open.delete(id);
  const substitution = state.substitutes.get(id);
  if (substitution !== undefined) {
    state.stops += 1;
    state.substitutes.delete(id);
    const { cache: _, ...ended } = substitution;
    return [{ type: 'substitute-end', ...ended, at }];
  }
  const drvPath = state.builds.get(id);
  if (drvPath === undefined) return [];
  state.stops += 1;
  state.builds.delete(id);
  const runsElsewhere = [...state.builds.values()].includes(drvPath);
  return runsElsewhere ? [] : endBuild(state, drvPath, hasUntoldFailure(state), at);
}

/** Whether an error of Nix says that a derivation could not begin, since one before it failed. */
export const isDependencyFailure = (message: string): boolean =>
  /dependenc(y|ies) (failed|of derivation)/.test(message);

/** Whether Nix has counted more failed builds than are known by name. */
function hasUntoldFailure(state: State): boolean {
  const counts = [...state.progress.values()].filter(({ type }) => type === activity.builds);
  return counts.reduce((sum, { failed }) => sum + failed, 0) > state.counted;
}

function endBuild(state: State, drvPath: string, failed: boolean, at: number): NixEvent[] {
  const log = state.open.get(drvPath);
  if (!log) return [];
  state.open.delete(drvPath);
  if (failed) {
    state.failed.set(drvPath, { message: '', log });
    state.counted += 1;
  }
  return [{ type: 'build-end', drvPath, failed, at }];
}

function readResult(state: State, raw: Of<'result'>, at: number): NixEvent[] {
  const drvPath = state.builds.get(raw.id);
  switch (raw.type) {
    case result.logLine:
      return drvPath === undefined ? [] : readLog(state, drvPath, String(raw.fields[0] ?? ''), at);
    case result.progress:
      return readProgress(state, raw, at);
    case result.expected:
      if (raw.fields[0] !== activity.fileTransfer) return [];
      state.downloads.foreseen.set(raw.id, countOf(raw.fields[1]));
      return [];
    default:
      return [];
  }
}

function readLog(state: State, drvPath: string, line: string, at: number): NixEvent[] {
  const log = state.open.get(drvPath);
  log?.push(line.slice(0, limits.logLine));
  if (log && log.length > limits.logLines) log.shift();
  return [{ type: 'build-log', drvPath, line, at }];
}

function readProgress(state: State, raw: Of<'result'>, at: number): NixEvent[] {
  const [done = 0, expected = 0, , failed = 0] = raw.fields.map(countOf);
  const counts = state.progress.get(raw.id);
  if (counts) {
    const isNews = counts.done !== done || counts.expected !== expected;
    Object.assign(counts, { done, expected, failed });
    return isNews ? [{ type: 'counts', ...sums(state), at }] : [];
  }
  const copied = state.copies.get(raw.id);
  if (copied && done > 0) {
    copied.narSize = expected;
    state.copies.delete(raw.id);
  }
  return readDownload(state.downloads, raw.id, { done, expected }, at);
}

/** How many builds and substitutions are done with, over all that Nix does. */
function sums({ progress }: State): { built: Count; fetched: Count } {
  const all = [...progress.values()];
  const sum = (of: number): Count => ({
    done: all.reduce((total, { type, done }) => total + (type === of ? done : 0), 0),
    expected: all.reduce((total, { type, expected }) => total + (type === of ? expected : 0), 0),
  });
  return { built: sum(activity.builds), fetched: sum(activity.copyPaths) };
}

/** A number of bytes or of builds; 0 for what can be none. */
const countOf = (field: unknown): number =>
  Number.isSafeInteger(field) ? Math.max(0, Number(field)) : 0;

function readDownload(
  downloads: Downloads,
  id: string,
  now: { done: number; expected: number },
  at: number,
): NixEvent[] {
  const before = downloads.files.get(id);
  if (!before || before.done === now.done) return [];
  downloads.files.set(id, now);
  downloads.done += now.done - before.done;
  downloads.known += Math.max(now.done, now.expected) - Math.max(before.done, before.expected);
  const foreseen = [...downloads.foreseen.values()].reduce((sum, bytes) => sum + bytes, 0);
  const expected = Math.max(downloads.known, foreseen);
  return [{ type: 'download', done: downloads.done, expected, at }];
}

/** Where a build was ended outputs stand behind the name: 2.8 writes '….drv!*', 2.26 '….drv^out'. */
const namedDerivation = /'(\/[\w./+?=-]+\.drv)(?:[!^][^'\n]*)?'/;

function readMessage(state: State, raw: Of<'msg'>, fromNix: boolean, at: number): NixEvent[] {
  const message: NixEvent = { type: 'message', level: raw.level, text: raw.text, at };
  if (raw.level === level.error || !fromNix) {
    state.errors.push(raw.text.slice(0, limits.message));
    if (state.errors.length > limits.nixMessages) state.errors.shift();
  }
  const drvPath = raw.level === level.error ? namedDerivation.exec(raw.text)?.[1] : undefined;
  if (drvPath === undefined) return [message];
  const ended = endBuild(state, drvPath, true, at);
  const failure = state.failed.get(drvPath);
  if (!failure && !isDependencyFailure(raw.text)) state.counted += 1;
  state.failed.set(drvPath, { message: failure?.message || raw.text, log: failure?.log ?? [] });
  return [...ended, message];
}
