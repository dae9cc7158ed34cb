// Downloads the newest official Nix release that the program knows into DIR, beside its checksum
// and version as `test/tools/nix-release` writes them. Ends with 3 where the server cannot be
// reached.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processRunner } from '../src/host/process.ts';
import { fetchTarball } from '../src/nix/install/download.ts';
import { describeMachine } from '../src/nix/install/machine.ts';
import { planRelease, shownUrl } from '../src/nix/install/releases.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: official-release.ts DIR');
const { env } = process;
const host = { env, clock: Date.now, run: processRunner(env), emit: () => undefined };
const { system } = await describeMachine(host);
const release = planRelease({ installNix: 'release' }, system);
mkdirSync(folder, { recursive: true });
const tarball = join(folder, `nix-${release.version}-${system}.tar.xz`);
const fetched = await fetchTarball(release, tarball, host);
if ('unreachable' in fetched) {
  console.error(`${shownUrl(release.url)} cannot be reached: ${fetched.unreachable}`);
  process.exitCode = 3;
} else {
  writeFileSync(`${tarball}.sha256`, `${release.sha256}\n`);
  writeFileSync(join(folder, 'VERSION'), `${release.version}\n`);
}
