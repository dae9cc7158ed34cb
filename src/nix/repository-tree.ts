import { resolve } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';

/**
 * Git's hash of the root's tree in the repository of a flake, such as ".?dir=images#comfyui", as its last
 * commit has it; undefined where the flake is not of a repository in a folder here, where files differ
 * from that commit, and where git does not tell. Rejects for an interrupt alone.
 */
export async function repositoryTree(
  installable: string,
  cwd: string,
  host: Host,
): Promise<string | undefined> {
  const [folder = ''] = installable.split(/[?#]/, 1);
  if (!/^\.{1,2}(\/|$)/.test(folder)) return undefined;
  const git = async (...args: string[]) => {
    const { code, stdout } = await host.run({
      ...{ file: 'git', args: ['--no-optional-locks', ...args], cwd: resolve(cwd, folder) },
      ...{ signal: host.signal, limit: { what: `git to ${args[0]}`, ms: patience.program } },
    });
    return code === 0 ? stdout.trim() : undefined;
  };
  try {
    // Nix takes the files that git knows
    const [tree, changes] = await Promise.all([
      git('rev-parse', '--verify', '--quiet', 'HEAD^{tree}'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    return changes === '' && tree !== undefined && isObject(tree) ? tree : undefined;
  } catch (error) {
    host.signal?.throwIfAborted();
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const isObject = (text: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
