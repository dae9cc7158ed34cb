// What it takes to tag a commit that was built before: from the start of the process to its end, without Nix,
// with an image of 100 layers in a registry on the same machine. `npm run bench:known`; needs dist/ and root.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processRunner } from '../src/host/process.ts';
import { parseBuild } from '../src/inputs/verbs/build.ts';
import { flakeSource } from '../src/nix/flake-source.ts';
import { parseReference } from '../src/registry/reference.ts';
import { remoteStore } from '../src/registry/remote.ts';
import { quietHost } from '../test/tools/host.ts';
import { startRegistry } from '../test/tools/registry.ts';
import { pushCommit, revision } from '../test/tools/remembered-commit.ts';

const rounds = 15;
const program = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'known-'));
const registry = await startRegistry();
try {
  const commit = makeRepository();
  const image = `${registry.address}/comfy/demo`;
  await pushImage(image);
  const times: number[] = [];
  for (let at = 0; at < rounds; at += 1) times.push(await tag(image, commit, `v${at}`));
  times.sort((one, other) => one - other);
  const [median, most] = [times[Math.floor(rounds / 2)], times.at(-1)];
  console.log(`a known commit of 100 blobs, tagged: ${median} ms (${times[0]} to ${most})`);
} finally {
  await registry.stop();
  rmSync(folder, { recursive: true });
}

/** A repository with one commit, and its hash. */
function makeRepository(): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e@example', ...args], {
      cwd: folder,
    }).toString();
  git('init', '--quiet');
  for (let at = 0; at < 200; at += 1) writeFileSync(join(folder, `file${at}`), String(at));
  git('add', '--all');
  git('commit', '--quiet', '-m', 'one');
  return git('rev-parse', 'HEAD').trim();
}

async function pushImage(image: string): Promise<void> {
  const { env } = process;
  const context = { currentDirectory: folder, temporaryDirectory: folder };
  const settings = parseBuild({ image }, { face: 'command-line', ...context });
  const source = await flakeSource('.', folder, quietHost({ env, run: processRunner(env) }));
  if (source === undefined) throw new Error('git does not tell');
  const store = remoteStore(parseReference(image), { host: quietHost(), credentials: {} });
  await pushCommit(store, { settings, source, layers: 100 });
  await store.close();
}

/** Milliseconds. */
async function tag(image: string, commit: string, name: string): Promise<number> {
  const begin = performance.now();
  const args = ['build', '--image', image, '--tags', name, '--install-nix', 'none'];
  await promisify(execFile)(
    process.execPath,
    [program, ...args, '--annotations', `${revision}=${commit}`],
    { cwd: folder, env: { PATH: process.env.PATH, HOME: folder } },
  );
  return Math.round(performance.now() - begin);
}
