import { Failure } from '../host/failure.ts';
import { lastLines } from '../host/last-lines.ts';
import { preview } from '../host/preview.ts';
import { runNix } from './nix.ts';
import type { Nix } from './types.ts';

/** What the store's database says of a valid path. */
export interface PathInfo {
  /** Bytes of the path as a NAR. */
  narSize: number;
  /** "sha256:" and 64 hex digits, of the path as a NAR. */
  narHash: string;
  /** Store paths that it refers to; itself, where it does. */
  references: readonly string[];
}

/** Bytes of arguments for one process; Linux allows 2 MB with the environment. */
const argumentBytes = 256 * 1024;

/** Those of the paths that are valid in the store. */
export async function queryValid(nix: Nix, paths: readonly string[]): Promise<Set<string>> {
  const invalid = await query(nix, ['--check-validity', '--print-invalid'], paths);
  return new Set(paths).difference(new Set(lines(invalid)));
}

/**
 * Path → its closure (itself included), sorted, for several valid paths. Two processes do for all
 * of them: the union of the closures is read once and divided here.
 * Rejects with a {@link Failure} when a path is not valid.
 */
export async function queryClosures(
  nix: Nix,
  paths: readonly string[],
): Promise<Map<string, string[]>> {
  const union = new Set(lines(await query(nix, ['--query', '--requisites'], paths)));
  const infos = await queryPathInfo(nix, [...union]);
  return new Map(paths.map(path => [path, closureWithin(infos, path)]));
}

/**
 * Sizes and references of valid paths. Rejects with a {@link Failure} when one is not valid.
 *
 * This asks for a dump of the database, and not for `nix path-info --json`, whose output differs
 * between versions of Nix; the dump is what installers load and has never changed.
 */
export async function queryPathInfo(
  nix: Nix,
  paths: readonly string[],
): Promise<Map<string, PathInfo>> {
  return parseDump(await query(nix, ['--dump-db'], paths));
}

/**
 * Parses a dump of the store's database. For each path, one per line: path, hash, NAR size, deriver
 * or nothing, number of references, references (Nix's `makeValidityRegistration`).
 * Throws a {@link Failure} for what is no such dump.
 */
export function parseDump(dump: string): Map<string, PathInfo> {
  const infos = new Map<string, PathInfo>();
  const fields = dump.split('\n');
  // a line's end follows the last of them
  const length = fields.at(-1) === '' ? fields.length - 1 : fields.length;
  for (let at = 0; at < length; ) {
    const [path = '', hash = '', narSize = '', , count = ''] = fields.slice(at, at + 5);
    const references = fields.slice(at + 5, at + 5 + numberOf(count));
    const areComplete = at + 5 + numberOf(count) <= length;
    const isRight = [path, ...references].every(each => each.startsWith('/'));
    if (!isRight || !areComplete || !/^[0-9a-f]{64}$/.test(hash)) throw noDump(at);
    infos.set(path, { narSize: numberOf(narSize), narHash: `sha256:${hash}`, references });
    at += 5 + references.length;
  }
  return infos;
}

function numberOf(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new Failure(`The Nix store says ${preview(text)} where a number belongs.`);
}

const noDump = (line: number) =>
  new Failure(`Line ${line + 1} of what nix-store --dump-db says is not understood.`, {
    next: 'Check the store: nix-store --verify.',
  });

/** All that `root` reaches by references, sorted. */
function closureWithin(infos: ReadonlyMap<string, PathInfo>, root: string): string[] {
  const reached = new Set([root]);
  for (const path of reached) {
    for (const reference of infos.get(path)?.references ?? []) reached.add(reference);
  }
  return [...reached].sort();
}

/** Asks `nix-store`, with as many processes as the length of the arguments needs. */
async function query(
  nix: Nix,
  operation: readonly string[],
  paths: readonly string[],
): Promise<string> {
  const answers: string[] = [];
  for (const some of split(paths)) {
    const { code, stdout, stderr } = await runNix(nix, 'nix-store', [...operation, ...some]);
    if (code !== 0) {
      throw new Failure('The Nix store did not answer.', {
        tried: `nix-store ${operation.join(' ')} was run with ${some.length} paths.`,
        next: 'Check that the store is there: nix-store --verify.',
        evidence: lastLines(stderr),
      });
    }
    answers.push(stdout);
  }
  return answers.join('');
}

function split(paths: readonly string[]): string[][] {
  const groups: string[][] = [];
  let free = 0;
  for (const path of paths) {
    if (path.length + 1 > free) {
      groups.push([]);
      free = argumentBytes;
    }
    groups.at(-1)?.push(path);
    free -= path.length + 1;
  }
  return groups;
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');
