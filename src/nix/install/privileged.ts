import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { childEnvironment, type Finished } from '../../host/process.ts';
import type { Machine } from './machine.ts';
import { findProgram } from './packages.ts';

/** Runs a program as root to its end; a non-zero exit is a result, not an error. */
export type RunPrivileged = (file: string, args: readonly string[]) => Promise<Finished>;

/**
 * Programs that need root run through this: directly as root, else through `sudo -n`, which never
 * asks for a password. Rejects with a {@link Failure} where neither is possible.
 */
export function privilegedRunner(machine: Machine, host: Host): RunPrivileged {
  return async (file, args) => {
    if (machine.uid === 0) return execute((await findProgram(file, host.env)) ?? file, args, host);
    const sudo = await findProgram('sudo', host.env);
    if (sudo === undefined) throw needsRoot(file, args, 'the program sudo was not found');
    const finished = await execute(sudo, ['-n', '--', file, ...args], host);
    const refused = finished.code !== 0 && /^sudo: (.*)/m.exec(finished.stderr);
    if (refused) throw needsRoot(file, args, `sudo -n says: ${refused[1]}`);
    return finished;
  };
}

/** Takes an absolute path: `@actions/exec` prints on standard output while it searches PATH. */
async function execute(file: string, args: readonly string[], host: Host): Promise<Finished> {
  host.signal?.throwIfAborted();
  const { getExecOutput } = await import('@actions/exec');
  const { exitCode, stdout, stderr } = await getExecOutput(file, [...args], {
    env: childEnvironment(host.env),
    ignoreReturnCode: true,
    silent: true,
  });
  return { code: exitCode, stdout, stderr };
}

function needsRoot(file: string, args: readonly string[], reason: string): Failure {
  return new Failure('Setting Nix up needs root for one step.', {
    tried: `to run as root: ${[file, ...args].join(' ')} (${reason}).`,
    next:
      'Run that command as root and start again, run as root, allow sudo without a password, or ' +
      'install Nix yourself.',
  });
}
