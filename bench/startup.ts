// Measures the time from process start to the first Nix command, over `node -e 0`: medians of runs
// taken in turn, so that a busy moment hits all of them; and the CPU time until then, which a busy
// machine disturbs less. Needs dist/ (npm run build).
//
// A stand-in for Nix writes down when it was called, and what its caller's threads have run by then, and
// fails, which ends the run.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rounds = 21;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'startup-'));
const called = join(folder, 'called');

const variants: Record<string, { args: string[]; env: Record<string, string> }> = {
  'node -e 0': { args: ['-e', '0'], env: {} },
  'dist/cli.js build': {
    args: [join(dist, 'cli.js'), 'build', '.#none', '--install-nix', 'none', '--image', 'oci:none'],
    env: {},
  },
  'dist/main.js': {
    args: [join(dist, 'main.js')],
    env: { INPUT_COMMAND: 'build', 'INPUT_INSTALL-NIX': 'none', INPUT_IMAGE: 'oci:none' },
  },
};

interface Measured {
  /** Until Nix is called for the first time; for a plain Node until its end. */
  milliseconds: number;
  /** Of all threads, until Nix is called. */
  cpuMilliseconds: number | undefined;
}

/** Puts a `nix` on PATH that notes the time in milliseconds, then its caller's threads' in nanoseconds. */
function writeStandIn(): void {
  const note = '{ date +%s%3N; cut -d" " -f1 /proc/$PPID/task/*/schedstat; } >"$CALLED"';
  for (const name of ['nix', 'nix-store']) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n[ -s "$CALLED" ] || ${note}\nexit 1\n`);
    chmodSync(file, 0o755);
  }
}

function measure({ args, env }: { args: string[]; env: Record<string, string> }): Measured {
  writeFileSync(called, '');
  const begin = Date.now();
  spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: 'ignore',
    env: {
      HOME: folder,
      PATH: `${folder}:${process.env.PATH}`,
      RUNNER_TEMP: folder,
      CALLED: called,
      ...env,
    },
  });
  const end = Date.now();
  const [noted = 0, ...threads] = readFileSync(called, 'utf8').trim().split('\n').map(Number);
  if (args[0] === '-e') return { milliseconds: end - begin, cpuMilliseconds: undefined };
  if (noted === 0) throw new Error(`${args[0]} never called Nix`);
  const ran = threads.reduce((sum, nanoseconds) => sum + nanoseconds, 0);
  return { milliseconds: noted - begin, cpuMilliseconds: ran / 1e6 };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

writeStandIn();
try {
  const runs = new Map(Object.keys(variants).map(name => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, variant] of Object.entries(variants)) runs.get(name)?.push(measure(variant));
  }
  const timeOf = (name: string) => median((runs.get(name) ?? []).map(run => run.milliseconds));
  const base = timeOf('node -e 0');
  for (const [name, measured] of runs) {
    const cpu = measured.flatMap(({ cpuMilliseconds }) => cpuMilliseconds ?? []);
    const more =
      cpu.length === 0 ? '' : `  +${timeOf(name) - base} ms, CPU ${median(cpu).toFixed(0)} ms`;
    console.log(`${name.padEnd(18)} ${String(timeOf(name)).padStart(4)} ms${more}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
