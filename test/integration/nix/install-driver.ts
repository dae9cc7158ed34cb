/**
 * Installs Nix as `ensureNix` does, in whatever namespace this runs, and prints what came of it as
 * JSON. Its argument is JSON: settings, and a program before or after whose run the process kills
 * itself.
 */
import { basename } from 'node:path';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { explain } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import { ensureNix } from '../../../src/nix/install/install.ts';
import type { NixSettings } from '../../../src/nix/install/releases.ts';

export interface DriverArguments {
  settings: NixSettings;
  killBefore?: string;
  killAfter?: string;
}

const { settings, killBefore, killAfter }: DriverArguments = JSON.parse(process.argv[2] ?? '');
const events: ProgressEvent[] = [];
const real = processRunner(process.env);
const host: Host = {
  env: process.env,
  clock: Date.now,
  emit: event => events.push(event),
  async run(command) {
    if (basename(command.file) === killBefore) process.kill(process.pid, 'SIGKILL');
    const finished = await real(command);
    if (basename(command.file) === killAfter) process.kill(process.pid, 'SIGKILL');
    return finished;
  },
};

try {
  const { nix, origin, exports } = await ensureNix(settings, host);
  const { bin, version, env } = nix;
  process.stdout.write(`${JSON.stringify({ bin, version, env, origin, exports, events })}\n`);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}
