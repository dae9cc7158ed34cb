import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';

/** Asks git something in a folder; undefined where it does not answer. Rejects for an interrupt alone. */
export type AskGit = (folder: string, ...args: string[]) => Promise<string | undefined>;

/**
 * What a repository's config may not decide: programs that are run, servers that are asked, and how
 * closely files are looked at.
 */
const settings: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'protocol.allow': 'never',
  'core.checkStat': 'default',
  'core.trustctime': 'true',
  'core.ignoreStat': 'false',
  'core.fileMode': 'true',
  'core.symlinks': 'true',
};

/** Variables that lead git elsewhere than to the repository around a folder, or make it slow and loud. */
const leading = [
  ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_NAMESPACE'],
  ...['GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_PREFIX', 'GIT_TRACE'],
];

/** Git, that writes nothing and runs no program that a repository's config names, filters aside. */
export function quietGit(host: Host): AskGit {
  const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const env = Object.fromEntries(leading.map(name => [name, undefined]));
  return async (folder, ...args) => {
    const question = args.find(each => /^[a-z]/.test(each));
    try {
      const { code, stdout } = await host.run({
        file: 'git',
        args: ['--no-optional-locks', '--no-replace-objects', ...given, ...args],
        ...{ cwd: folder, env, signal: host.signal },
        limit: { what: `git to ${question}`, ms: patience.program },
      });
      return code === 0 ? stdout : undefined;
    } catch (error) {
      host.signal?.throwIfAborted();
      if (error instanceof Failure) return undefined;
      throw error;
    }
  };
}

/** Settings with which the filters that a repository's config names do nothing. */
export async function withoutFilters(ask: AskGit, folder: string): Promise<string[] | undefined> {
  // it ends with 1 where there are none
  const listed = await ask(folder, 'config', '--null', '--name-only', '--list');
  const names = listed?.split('\0').flatMap(name => /^filter\.(.+)\.[^.]+$/.exec(name)?.[1] ?? []);
  if (names?.some(name => name.includes('='))) return undefined;
  return names && [...new Set(names)].flatMap(nothing);
}

/** An empty process wins over the command that files are cleaned by, and is not run. */
const nothing = (name: string) => [
  ...['-c', `filter.${name}.process=`, '-c', `filter.${name}.required=false`],
];
