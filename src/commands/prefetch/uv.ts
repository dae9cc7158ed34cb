import { dirname, join } from 'node:path';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import { notice } from '../../host/say.ts';
import { findNix, runNix } from '../../nix/nix.ts';
import { findUv, runUv, type Uv } from '../../wheels/resolve/uv.ts';

/**
 * A uv that is new enough: on PATH, else of the nixpkgs of the flake beside wheels.toml.
 * Rejects with a {@link Failure} where there is neither.
 */
export async function openUv(wheelsFile: string, host: Host): Promise<Uv> {
  const found = await findUv(host);
  if ('uv' in found) return found.uv;
  const built = await uvOfNixpkgs(dirname(wheelsFile), host);
  if ('file' in built) return built;
  throw new Failure(found.why, {
    evidence: built.said,
    tried: 'It was looked for on PATH, and in the nixpkgs of the flake beside wheels.toml.',
    next: 'Install uv 0.11 or newer, or pin every version with == and name all that is required.',
  });
}

/**
 * A uv.lock as a pylock.toml.
 * Rejects with a {@link Failure} in uv's words where it does not fit its pyproject.toml.
 */
export async function exportLock(file: string, wheelsFile: string, host: Host): Promise<string> {
  const uv = await openUv(wheelsFile, host);
  const args = [
    ...['export', '--frozen', '--no-emit-project', '--no-dev', '--no-python-downloads'],
    ...['--format', 'pylock.toml', '--no-progress', '--color', 'never'],
  ];
  const limit = { what: 'uv to export its lock', ms: patience.program };
  const { code, stdout, stderr } = await runUv(uv, { args, cwd: dirname(file), limit }, host);
  if (code === 0) return stdout;
  throw new Failure(`${file} could not be exported.`, {
    evidence: lastLines(stderr),
    next: 'Its pyproject.toml has to be beside it; uv lock makes the lock anew.',
  });
}

async function uvOfNixpkgs(folder: string, host: Host): Promise<Uv | { said: string[] }> {
  const nix = await findNix(host);
  if (nix === undefined) return { said: ['There is no Nix on this machine.'] };
  notice(host, 'Building uv from the nixpkgs of the flake');
  const limit = { what: 'Nix to build uv', ms: patience.resolverProgram };
  const { code, stdout, stderr } = await runNix(
    nix,
    'nix',
    ['build', '--no-link', '--json', '--inputs-from', '.', 'nixpkgs#uv', 'nixpkgs#python3'],
    { cwd: folder, limit },
  );
  if (code !== 0) return { said: lastLines(stderr) };
  const [uv, python] = JSON.parse(stdout) as { outputs: { out: string } }[];
  const [program, pythons] = [uv, python].map(each => join(each?.outputs.out ?? '', 'bin'));
  return { file: join(program ?? '', 'uv'), path: [pythons ?? ''] };
}
