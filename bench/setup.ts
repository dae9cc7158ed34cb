// Measures the set-up of Nix, on a /nix of its own: from a release tarball on disk to an answer of
// `nix --version`, and the whole set-up step where everything is there already. Medians. Needs root,
// dist/ (npm run build), and a release in NIX_RELEASE_DIR (npm test makes one in build/nix-release).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const installations = 3;
const rounds = 15;
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Milliseconds that a program takes; it has to end well. */
function time(file: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stdout}${stderr}`);
  return performance.now() - begin;
}

/** The action's set-up, as a runner starts it; caches are not asked, since the network is not ours. */
function setup(folder: string, tarball: string): number {
  const files = ['OUTPUT', 'STATE', 'ENV', 'PATH'].map(name => [
    `GITHUB_${name}`,
    join(folder, name),
  ]);
  for (const [, file = ''] of files) writeFileSync(file, '');
  return time(process.execPath, [path('../dist/main.js')], {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    RUNNER_TEMP: folder,
    GITHUB_ACTIONS: 'true',
    INPUT_COMMAND: 'setup',
    'INPUT_CUDA-CACHES': 'false',
    'INPUT_NIX-RELEASE-URL': pathToFileURL(tarball).href,
    'INPUT_NIX-RELEASE-SHA256': readFileSync(`${tarball}.sha256`, 'utf8').slice(0, 64),
    'INPUT_NIX-VERSION': /nix-([\d.]+)-/.exec(tarball)?.[1],
    'INPUT_RECLAIM-DISK': 'false',
    'INPUT_NIX-CONF': 'substituters =',
    ...Object.fromEntries(files),
  });
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** In a mount namespace with an empty /nix: one installation, then set-ups that find it. */
function inside(tarball: string): { cold: number; warm: number } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-setup-'));
  try {
    const installing = setup(folder, tarball);
    const cold = installing + time('/nix/var/nix/profiles/default/bin/nix', ['--version'], {});
    return { cold, warm: median(Array.from({ length: rounds }, () => setup(folder, tarball))) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function outside(): void {
  const folder = process.env.NIX_RELEASE_DIR ?? path('../build/nix-release');
  const name = readdirSync(folder).find(each => each.endsWith('.tar.xz'));
  if (name === undefined) throw new Error(`${folder} has no release of Nix`);
  const measured = Array.from({ length: installations }, () => {
    const args = ['none', '--', process.execPath, path('setup.ts'), join(folder, name)];
    const { stdout, stderr } = spawnSync(path('../test/tools/with-nix'), args, {
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as ReturnType<typeof inside>;
  });
  const node = median(
    Array.from({ length: rounds }, () => time(process.execPath, ['-e', '0'], {})),
  );
  console.log(
    `tarball to nix --version  ${Math.round(median(measured.map(({ cold }) => cold)))} ms`,
  );
  console.log(
    `everything there already  ${Math.round(median(measured.map(({ warm }) => warm)))} ms`,
  );
  console.log(`node -e 0                 ${Math.round(node)} ms`);
}

const [tarball] = process.argv.slice(2);
if (tarball === undefined) outside();
else console.log(JSON.stringify(inside(tarball)));
