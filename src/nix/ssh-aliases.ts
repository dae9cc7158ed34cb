import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { currentUser, requireHome } from '../host/user.ts';
import { describeMachine } from './install/machine.ts';
import { privilegedRunner } from './install/privileged.ts';
import { asRoot, writeRootFile } from './root-file.ts';

const ours = 'comfy-nix.conf';
const systemConfig = '/etc/ssh/ssh_config';
const systemFile = `/etc/ssh/ssh_config.d/${ours}`;

/**
 * Has ssh know names: entries of ssh_config(5) that hold nothing secret, for this user or, since root
 * starts the ssh of a daemon, for the whole machine. They replace those of the run before; the empty
 * text removes them. Rejects with a {@link Failure} that says what to write where.
 */
export async function setSshAliases(
  entries: string,
  caller: 'user' | 'daemon',
  host: Host,
): Promise<void> {
  try {
    await (caller === 'daemon' ? setForMachine(entries, host) : setForUser(entries, host));
  } catch (error) {
    if (entries === '') return warnOfRest(error, host);
    throw new Failure(`ssh could not be told how to reach builders: ${(error as Error).message}`, {
      evidence: entries.trimEnd().split('\n'),
      tried: caller === 'daemon' ? `to write ${systemFile} as root.` : `to write ~/.ssh/${ours}.`,
      next:
        caller === 'daemon'
          ? `Put these lines into ${systemFile}, and "Include ${systemFile}" first into ${systemConfig}.`
          : `Put these lines into ~/.ssh/${ours}, and "Include ${ours}" first into ~/.ssh/config.`,
      cause: error,
    });
  }
}

function warnOfRest(error: unknown, host: Host): void {
  const message = `Names of builders that are not used any more stay known to ssh: ${explain(error)}`;
  host.emit({ type: 'warning', message, at: host.clock() });
}

/** Most distributions include a folder of files in the system's configuration. */
async function setForMachine(entries: string, host: Host): Promise<void> {
  if (entries === (await textOf(systemFile))) return;
  const runPrivileged = privilegedRunner(await describeMachine(host), host);
  if (entries === '') return asRoot(runPrivileged, 'rm', ['-f', systemFile]);
  if (!/^\s*Include\s.*\/?ssh_config\.d\/(\*|comfy-nix)/im.test(await textOf(systemConfig))) {
    throw new Failure(`${systemConfig} does not include the files of ssh_config.d.`);
  }
  await writeRootFile(systemFile, entries, runPrivileged, host);
}

/** ssh looks in the home folder of the account, wherever HOME points. */
async function setForUser(entries: string, { env }: Host): Promise<void> {
  const folder = join(currentUser().home ?? requireHome(env), '.ssh');
  const file = join(folder, ours);
  if (entries === '') return rm(file, { force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, entries, { mode: 0o600 });
  await includeFirst(join(folder, 'config'));
}

/** An Include counts for all machines only before the first Host; a file that is a link stays one. */
async function includeFirst(config: string): Promise<void> {
  const line = `Include ${ours}`;
  const present = await textOf(config);
  if (present.split('\n').some(each => each.trim() === line)) return;
  const file = await realpath(config).catch(() => config);
  const mode = await stat(file).then(
    ({ mode: bits }) => bits & 0o777,
    () => 0o600,
  );
  await writeFile(`${file}.${ours}`, `${line}\n${present}`, { mode });
  await rename(`${file}.${ours}`, file);
}

/** A file that is not there is empty; one that cannot be read is an error. */
async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
