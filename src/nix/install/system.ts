import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import type { Finished } from '../../host/process.ts';
import { configure } from './configure.ts';
import { type Installed, nixInstalledIn } from './installed.ts';
import type { Machine } from './machine.ts';
import { installAdvice, missingPrograms } from './packages.ts';
import { privilegedRunner, type RunPrivileged } from './privileged.ts';
import { checkStoreFolder, prepareStoreFolder } from './store-folder.ts';

/**
 * Installs the distribution's own Nix where that is done by apt, over a store that belongs to this
 * user. Elsewhere it throws a {@link Failure} that names the distribution's command.
 */
export async function installSystem(machine: Machine, host: Host): Promise<Installed> {
  const run = privilegedRunner(machine, host);
  await checkStoreFolder(host.env);
  await installPackages(machine, run, host);
  await prepareStoreFolder(machine, run);
  return nixInstalledIn('/usr/bin', await configure({}, machine, host), machine, host);
}

async function installPackages(machine: Machine, run: RunPrivileged, host: Host): Promise<void> {
  const manager = machine.packageManager;
  if (manager?.program !== 'apt-get') {
    throw new Failure("This program installs the distribution's Nix with apt only.", {
      next: installAdvice(['nix'], manager),
    });
  }
  const wanted = ['nix' as const, ...(await missingPrograms(['git'], host.env))];
  const packages = wanted.map(name => manager.packages[name]);
  const install = () => aptGet(run, ['install', '-y', '--no-install-recommends', ...packages]);
  let finished = await install();
  if (finished.code !== 0) {
    // lists that are missing (containers) or old (their files are gone from the server)
    await aptGet(run, ['update']);
    finished = await install();
  }
  if (finished.code === 0) return;
  throw new Failure(`apt-get could not install ${packages.join(' ')}.`, {
    evidence: lastLines(`${finished.stdout}\n${finished.stderr}`),
    tried: 'apt-get install, apt-get update, and apt-get install again.',
    next: 'Look at what apt-get says above; or install Nix yourself.',
  });
}

/**
 * Nothing may ask a question here: not debconf, and not dpkg about a file that the user changed.
 */
const aptGet = (run: RunPrivileged, args: readonly string[]): Promise<Finished> =>
  run(
    'env',
    [
      ...['DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q'],
      ...['-o', 'Dpkg::Options::=--force-confold', ...args],
    ],
    { what: `apt-get ${args[0]}`, ms: patience.aptGet },
  );
