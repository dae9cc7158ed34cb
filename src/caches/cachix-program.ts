import { isAbsolute, join } from 'node:path';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { isExecutable } from '../host/presence.ts';
import { runNix } from '../nix/nix.ts';
import type { Nix } from '../nix/types.ts';

/** Where the program comes from when PATH has none. */
const installable = 'nixpkgs#cachix';

/**
 * The `cachix` program: on PATH, else of nixpkgs, protected from garbage collection by a link in
 * `directory`. Resolves with the reason when there is neither.
 */
export async function findCachix(
  nix: Nix,
  host: Host,
  directory: string,
): Promise<{ file: string } | { reason: string }> {
  const folders = (host.env.PATH ?? '').split(':').filter(folder => isAbsolute(folder));
  const onPath = await firstExecutable(folders.map(folder => join(folder, 'cachix')));
  if (onPath !== undefined) return { file: onPath };
  const next = 'install cachix in a step before this one';
  const limit = { what: `nix build ${installable}`, ms: patience.cachixProgram };
  const { code, stdout, stderr } = await runNix(
    { ...nix, host },
    'nix',
    [...['build', installable, '--out-link', join(directory, 'cachix'), '--json']],
    { limit },
  );
  const built = code === 0 ? await firstExecutable(programsIn(stdout)) : undefined;
  if (built !== undefined) return { file: built };
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return {
    reason: `cachix is not on PATH, and nix build ${installable} failed (${said}): ${next}`,
  };
}

/** Places where the outputs that `nix build --json` prints may have the program. */
function programsIn(json: string): string[] {
  const built = JSON.parse(json) as { outputs: Record<string, string> }[];
  return built.flatMap(({ outputs }) => Object.values(outputs)).map(path => `${path}/bin/cachix`);
}

async function firstExecutable(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    if (await isExecutable(file)) return file;
  }
  return undefined;
}
