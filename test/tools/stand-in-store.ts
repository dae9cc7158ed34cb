import type { Command } from '../../src/host/process.ts';
import { isAtLeast } from '../../src/nix/nix.ts';
import type { Nix } from '../../src/nix/types.ts';
import { quietHost } from './host.ts';

/** A process that a stand-in store was asked by. */
export interface StoreQuestion {
  /** Operation and flags, such as "--query --requisites". */
  words: string;
  paths: readonly string[];
}

/** Bytes that a path of a stand-in store has where nothing else is said. */
export const standInSize = 100;

/** Bytes of arguments that Linux takes for one process, with 8 for the address of each. */
const argumentLimit = 2 ** 21;

/**
 * A Nix whose `nix-store` knows the paths of `references`, path → what it refers to. It answers as the
 * real one of that version does, and fails as that one does where it is asked otherwise. Paths may be
 * added and removed meanwhile.
 */
export function standInStore(
  references: Map<string, readonly string[]>,
  version = '2.34.8',
  sizeOf: (path: string) => number = () => standInSize,
) {
  const asked: StoreQuestion[] = [];
  const run = async ({ args, stdin }: Command) => {
    const bytes = args.reduce((sum, arg) => sum + arg.length + 1 + 8, 0);
    if (bytes > argumentLimit) throw new Error('spawn E2BIG');
    const words = args.filter(arg => arg.startsWith('--'));
    if (words.includes('--stdin') && !isAtLeast(version, '2.15')) return failed('unknown flag');
    const given = words.includes('--stdin') ? (stdin ?? '').split(/\s+/) : [];
    const paths = [...args, ...given].filter(arg => arg.startsWith('/'));
    asked.push({ words: words.filter(word => word !== '--stdin').join(' '), paths });
    if (words.includes('--realise')) return answer([]); // it has what it has
    const invalid = paths.filter(path => !references.has(path));
    if (words.includes('--print-invalid')) return answer(invalid);
    if (invalid.length > 0) return failed(`path '${invalid[0]}' is not valid`);
    return answer(words.includes('--dump-db') ? dump(paths) : requisites(paths));
  };

  const requisites = (paths: readonly string[]) => {
    const reached = new Set(paths);
    for (const path of reached) for (const each of references.get(path) ?? []) reached.add(each);
    return [...reached];
  };

  const dump = (paths: readonly string[]) =>
    paths.flatMap(path => {
      const to = references.get(path) ?? [];
      return [path, '0'.repeat(64), `${sizeOf(path)}`, '', `${to.length}`, ...to];
    });

  const host = quietHost({ run });
  const nix: Nix = { bin: '/bin', version, storeDir: '/nix/store', env: {}, host };
  return { nix, asked };
}

const answer = (lines: readonly string[]) => ({
  code: 0,
  stdout: lines.map(line => `${line}\n`).join(''),
  stderr: '',
});

const failed = (reason: string) => ({ code: 1, stdout: '', stderr: `error: ${reason}\n` });

/** A store path of this name. */
export const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
