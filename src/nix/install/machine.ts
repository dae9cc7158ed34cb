import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { patience } from '../../host/limits.ts';
import { textAt } from '../../host/presence.ts';
import { currentUser } from '../../host/user.ts';
import { machineSystem } from '../system.ts';
import { findPackageManager, type PackageManager } from './packages.ts';

/** What installing depends on; a plain value, so that a test can make one up. */
export interface Machine {
  /** Nix's name of the system, such as "x86_64-linux". */
  system: string;
  uid: number;
  gid: number;
  /** Names of the groups that the machine has. */
  groups: ReadonlySet<string>;
  packageManager: PackageManager | undefined;
}

/** Looks at the machine, of whatever kind it is. */
export async function describeMachine(
  host: Host,
  kind: Pick<NodeJS.Process, 'platform' | 'arch'> = process,
): Promise<Machine> {
  const { uid, gid } = currentUser();
  return {
    system: machineSystem(kind),
    uid,
    gid,
    groups: await readGroups(),
    packageManager: await findPackageManager(host.env),
  };
}

/** Whether this program can install Nix here; a Nix that is there is used everywhere. */
export const isLinux = ({ system }: Machine): boolean => system.endsWith('-linux');

/** Group names of /etc/group; a container may have no such file. */
async function readGroups(): Promise<ReadonlySet<string>> {
  const text = (await textAt('/etc/group')) ?? '';
  return new Set(text.split('\n').flatMap(line => line.split(':').slice(0, 1)));
}

/**
 * Whether builds can have namespaces of their own, which Nix's sandbox is made of. Containers and
 * AppArmor forbid them in ways that Nix notices late or never; where there is no `unshare` to try
 * it with, Nix is left to find out.
 */
export async function namespacesAllowed(machine: Machine, host: Host): Promise<boolean> {
  const asUser = machine.uid === 0 ? [] : ['--user', '--map-root-user'];
  const probe = await host
    .run({
      file: 'unshare',
      args: [...asUser, '--mount', '--pid', '--fork', '--mount-proc', 'true'],
      signal: host.signal,
      limit: { what: 'unshare, which tries namespaces', ms: patience.program },
    })
    .catch((error: unknown) => {
      if (error instanceof Failure) return undefined;
      throw error;
    });
  return probe === undefined || probe.code === 0;
}
