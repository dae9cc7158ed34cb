// Measures the time from process start to the first Nix command, over `node -e 0`: medians of runs
// taken in turn, so that a busy moment hits all of them. Needs dist/ (npm run build).
//
// A stand-in for Nix writes down when it was called and fails, which ends the run.

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

/** Puts a `nix` on PATH that notes the time in milliseconds. */
function writeStandIn(): void {
  for (const name of ['nix', 'nix-store']) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n[ -s "$CALLED" ] || date +%s%3N > "$CALLED"\nexit 1\n`);
    chmodSync(file, 0o755);
  }
}

/** Milliseconds until Nix is called for the first time; for a plain Node until its end. */
function measure({ args, env }: { args: string[]; env: Record<string, string> }): number {
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
  const noted = Number(readFileSync(called, 'utf8'));
  if (args[0] !== '-e' && noted === 0) throw new Error(`${args[0]} never called Nix`);
  return (noted || end) - begin;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

writeStandIn();
try {
  const times = new Map(Object.keys(variants).map(name => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, variant] of Object.entries(variants)) times.get(name)?.push(measure(variant));
  }
  const base = median(times.get('node -e 0') ?? []);
  for (const [name, values] of times) {
    const time = median(values);
    console.log(`${name.padEnd(18)} ${String(time).padStart(4)} ms  +${time - base} ms`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
