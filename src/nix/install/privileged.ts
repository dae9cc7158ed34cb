import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { patience } from '../../host/limits.ts';
import { childEnvironment, type Finished } from '../../host/process.ts';
import { type Limit, untilAborted, within } from '../../host/wait.ts';
import type { Machine } from './machine.ts';
import { findProgram } from './packages.ts';

/** Runs a program as root to its end; a non-zero exit is a result, not an error. */
export type RunPrivileged = (
  file: string,
  args: readonly string[],
  limit?: Limit,
) => Promise<Finished>;

/**
 * Programs that need root run through this: directly as root, else through `sudo -n`, which never
 * asks for a password. Rejects with a {@link Failure} where neither is possible.
 */
export function privilegedRunner(machine: Machine, host: Host): RunPrivileged {
  const { signal } = host;
  return async (file, args, limit = { what: `${file}, run as root`, ms: patience.asRoot }) => {
    if (machine.uid === 0) return host.run({ file, args, signal, limit });
    const sudo = await findProgram('sudo', host.env);
    if (sudo === undefined) throw needsRoot(file, args, 'the program sudo was not found');
    const asRoot = ['-n', '--', file, ...args];
    const finished = await runSudo(sudo, asRoot, limit, host);
    const refused = finished.code !== 0 && /^sudo: (.*)/m.exec(finished.stderr);
    if (refused) throw needsRoot(file, args, `sudo -n says: ${refused[1]}`);
    return finished;
  };
}

/**
 * What sudo starts is root's, and not this process's to end: past the limit, or when the run is
 * interrupted, it is left to itself. Takes an absolute path: `@actions/exec` prints on standard output
 * while it searches PATH.
 */
async function runSudo(
  sudo: string,
  args: readonly string[],
  limit: Limit,
  host: Host,
): Promise<Finished> {
  const { getExecOutput } = await import('@actions/exec');
  const options = { env: childEnvironment(host.env), ignoreReturnCode: true, silent: true };
  const { exitCode, stdout, stderr } = await within(limit, host, signal =>
    untilAborted(getExecOutput(sudo, [...args], options), signal),
  );
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
