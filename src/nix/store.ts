import { Failure } from '../host/failure.ts';
import { lastLines } from '../host/last-lines.ts';
import { preview } from '../host/preview.ts';
import { isAtLeast, runNix } from './nix.ts';
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

/** The first Nix whose `nix-store` takes paths from standard input. */
const readsPaths = '2.15';

/**
 * Bytes of arguments for one process of an older one, 8 for each one's address among them: about
 * 20,000 paths. Linux allows 2 MiB with the environment.
 */
const argumentBytes = 1.5 * 2 ** 20;

/** Those of the paths that are valid in the store. */
export async function queryValid(nix: Nix, paths: readonly string[]): Promise<Set<string>> {
  const invalid = await query(nix, ['--check-validity', '--print-invalid'], paths);
  return new Set(paths).difference(new Set(lines(invalid)));
}

/**
 * All that valid paths reach by references, themselves included. Rejects with a {@link Failure} when
 * one is not valid.
 */
export async function queryRequisites(nix: Nix, paths: readonly string[]): Promise<string[]> {
  return [...new Set(lines(await query(nix, ['--query', '--requisites'], paths)))];
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

/** Asks `nix-store` in one process; an old one, in as many as the length of the arguments needs. */
async function query(
  nix: Nix,
  operation: readonly string[],
  paths: readonly string[],
): Promise<string> {
  const byInput = isAtLeast(nix.version, readsPaths);
  const answers: string[] = [];
  for (const some of split(paths, byInput ? Number.POSITIVE_INFINITY : argumentBytes)) {
    const { code, stdout, stderr } = byInput
      ? await runNix(nix, 'nix-store', [...operation, '--stdin'], { stdin: some.join('\n') })
      : await runNix(nix, 'nix-store', [...operation, ...some]);
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

function split(paths: readonly string[], bytes: number): string[][] {
  const groups: string[][] = [];
  let free = 0;
  for (const path of paths) {
    const size = path.length + 1 + 8; // its end, and its address
    if (size > free) {
      groups.push([]);
      free = bytes;
    }
    groups.at(-1)?.push(path);
    free -= size;
  }
  return groups;
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');
