import { spawn } from 'node:child_process';
import type { Host } from './host.ts';
import { patience } from './limits.ts';
import { exclusively, noLock } from './lock.ts';

/**
 * Leaves a small process behind that holds the lock of a file for as long as all of some other files
 * are there. It ends by itself, and with the job: GitHub's runner finds it by the variable that it
 * looks for. Rejects with a {@link Failure} where it cannot get the lock.
 *
 * @param interval milliseconds between two looks at those files
 */
export async function leaveKeeper(
  file: string,
  witnesses: readonly string[],
  { env }: Pick<Host, 'env'>,
  interval = 1000,
): Promise<void> {
  const flags = ['--no-warnings', '--max-semi-space-size=1', '--eval', keeper];
  const args = [...flags, String(interval), file, ...witnesses];
  const { RUNNER_TRACKING_ID: job } = env;
  const child = spawn(process.execPath, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: job === undefined ? {} : { RUNNER_TRACKING_ID: job },
  });
  const isHeld = await new Promise<boolean>(resolve => {
    child.stdout.once('data', () => resolve(true));
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
  });
  child.stdout.destroy();
  child.unref();
  if (!isHeld) throw noLock(file, 'no process could be left behind that holds it');
}

/** The keeper's program: it has to run without any other file of this one. */
const keeper = `
const { DatabaseSync } = require('node:sqlite');
const { existsSync } = require('node:fs');
const [interval, file, ...witnesses] = process.argv.slice(1);
const database = new DatabaseSync(file, { timeout: ${patience.keeper} });
database.exec('${exclusively}');
process.stdout.write('held');
setInterval(() => witnesses.every(existsSync) || process.exit(), Number(interval));
`;
