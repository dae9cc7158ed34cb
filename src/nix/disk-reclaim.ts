import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { namedAt } from '../host/presence.ts';
import { warn } from '../host/say.ts';
import { describeMachine } from './install/machine.ts';
import { privilegedRunner, type RunPrivileged } from './install/privileged.ts';

/** Something that hosted runners carry, and that building images with Nix has no use for. */
interface Carried {
  folder: string;
  what: string;
}

/**
 * What GitHub's Ubuntu images carry (actions/runner-images, images/ubuntu); what frees most in the
 * shortest time comes first. Nothing else is ever removed: no path comes from an input.
 */
export const carriedByRunners: readonly Carried[] = [
  { folder: '/opt/hostedtoolcache/CodeQL', what: 'CodeQL' },
  { folder: '/usr/share/swift', what: 'Swift' },
  { folder: '/usr/local/.ghcup', what: 'Haskell (GHCup)' },
  { folder: '/opt/ghc', what: 'Haskell (GHC)' },
  { folder: '/usr/share/dotnet', what: '.NET' },
  { folder: '/usr/local/lib/android', what: 'the Android SDK' },
  { folder: '/usr/lib/jvm', what: 'Java' },
  { folder: '/usr/local/share/powershell', what: 'PowerShell modules' },
  { folder: '/opt/microsoft', what: 'PowerShell and Edge' },
  { folder: '/opt/google', what: 'Chrome' },
  { folder: '/usr/local/share/chromium', what: 'Chromium' },
  { folder: '/usr/lib/google-cloud-sdk', what: 'the Google Cloud CLI' },
  { folder: '/opt/az', what: 'the Azure CLI' },
  { folder: '/usr/share/miniconda', what: 'Miniconda' },
  { folder: '/usr/local/share/vcpkg', what: 'vcpkg' },
  { folder: '/home/linuxbrew/.linuxbrew', what: 'Homebrew' },
];

/** How far to go. */
export interface ReclaimOptions {
  /** Asked before each removal; by default there is never enough. */
  enough?: () => Promise<boolean>;
  /** Only what is on this file system (`stat`'s `dev`). */
  device?: number | undefined;
  /** Stands before each folder, for tests. */
  root?: string;
  runPrivileged?: RunPrivileged;
}

/**
 * Removes what hosted runners carry, one thing after the other, until there is enough; what this job
 * has put on its PATH stays. Returns the names of what is gone. What cannot be removed is a warning:
 * this never rejects.
 */
export async function reclaimDisk(host: Host, options: ReclaimOptions = {}): Promise<string[]> {
  const enough = options.enough ?? (async () => false);
  const gone: string[] = [];
  try {
    const run = options.runPrivileged ?? privilegedRunner(await describeMachine(host), host);
    for (const { folder, what } of carriedByRunners) {
      if (host.signal?.aborted || (await enough())) return gone;
      if (isInUse(folder, host.env)) continue;
      if (await remove(join(options.root ?? '/', folder), options.device, run, host)) {
        gone.push(what);
      }
    }
    if (!(await enough()) && (await pruneDocker(host))) gone.push('Docker images');
  } catch (error) {
    if (!host.signal?.aborted) warnOf(host, error);
  }
  return gone;
}

/** Programs of a folder that a step before this one has put on PATH are wanted. */
function isInUse(folder: string, env: Host['env']): boolean {
  const used = [...(env.PATH ?? '').split(':'), env.HOME, env.RUNNER_TEMP, env.GITHUB_WORKSPACE];
  return used.some(path => path === folder || path?.startsWith(`${folder}/`));
}

async function remove(
  folder: string,
  device: number | undefined,
  run: RunPrivileged,
  host: Host,
): Promise<boolean> {
  const found = await namedAt(folder);
  // a link leads to what somebody else has put somewhere else
  if (!found?.isDirectory() || (device !== undefined && found.dev !== device)) return false;
  const { code, stderr } = await run('rm', ['-rf', '--one-file-system', '--', folder]);
  if (code === 0) return true;
  warnOf(host, new Failure(`${folder}: ${stderr.trimEnd().split('\n').at(-1) ?? ''}`));
  return false;
}

/**
 * Images that no container uses. Those of this job's own container actions were made a moment ago,
 * and stay. True when something was removed; a machine without Docker has nothing to remove.
 */
async function pruneDocker(host: Host): Promise<boolean> {
  const args = ['system', 'prune', '--all', '--force', '--filter', 'until=24h'];
  const pruned = await host
    .run({
      ...{ file: 'docker', args, signal: host.signal },
      limit: { what: 'Docker to remove what nothing uses', ms: patience.dockerPrune },
    })
    .catch((error: unknown) => {
      if (error instanceof Failure && !host.signal?.aborted) return undefined;
      throw error;
    });
  return pruned?.code === 0 && !/^Total reclaimed space: 0B$/m.test(pruned.stdout);
}

function warnOf(host: Host, error: unknown): void {
  const reason = error instanceof Failure ? (error.details.tried ?? error.message) : String(error);
  const message = `Disk space could not be reclaimed: ${reason}`;
  warn(host, message);
}
