// Measures what a cache costs that takes connections and never answers: seconds of `build`, beside those
// with a cache that answers at once, by one build of this program or several in turn. Needs dist/
// (npm run build), and is run by `npm run bench:beside [-- DIST …]` in a store of its own.
//
// Evaluation is made to last: the `nix` on PATH sleeps before it evaluates. With 0 seconds the wait for
// caches has nothing to go on beside.

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const rounds = 3;
const evaluations = [0, 7];
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'bench-beside-'));
const flake = join(folder, 'flake');
const own = fileURLToPath(new URL('../dist', import.meta.url));

const answering: RequestListener = ({ url }, response) =>
  url === '/nix-cache-info'
    ? response.end('StoreDir: /nix/store\nPriority: 90\n')
    : response.writeHead(404).end();

/** A cache on a port of its own; it does not keep the process alive. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).unref();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An image of one small layer, made by a static shell. */
function writeFlake(): void {
  mkdirSync(flake);
  copyFileSync('/bin/busybox', join(flake, 'busybox'));
  writeFileSync(
    join(flake, 'flake.nix'),
    `{ outputs = { self }: let
         base = derivation {
           name = "base"; system = "${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux";
           builder = "\${self}/busybox"; args = [ "sh" "-c" "echo base > $out" ];
         };
       in { comfyui = base // {
         recipe = { name = "demo"; tag = "x"; layers = [ { name = "base"; target = base; } ]; };
       }; };
     }`,
  );
}

/** The machine's Nix, whose evaluation takes some seconds more. */
async function writeNix(seconds: number): Promise<string> {
  const bin = join(folder, `bin-${seconds}`);
  mkdirSync(bin);
  for (const name of ['nix', 'nix-store']) {
    const { stdout } = await execute('sh', ['-c', `command -v ${name}`]);
    const script = `#!/bin/sh\n[ "$1" = eval ] && sleep ${seconds}\nexec ${stdout.trim()} "$@"\n`;
    writeFileSync(join(bin, name), script, { mode: 0o755 });
  }
  return bin;
}

/** Seconds of one build. */
async function measure(dist: string, bin: string, cache: string): Promise<number> {
  const begin = performance.now();
  await execute(
    process.execPath,
    [
      ...[join(dist, 'cli.js'), 'build', `path:${flake}#comfyui`, '--image', 'oci:image'],
      ...['--install-nix', 'none', '--no-cuda-caches', '--extra-substituters', cache],
    ],
    { cwd: folder, env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder } },
  );
  return (performance.now() - begin) / 1000;
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const given = process.argv.slice(2).map(each => resolve(each));
const dists = given.length === 0 ? [own] : given;
writeFlake();
const caches = [await serve(answering), await serve(() => undefined)];
const rows = [];
for (const seconds of evaluations) {
  const bin = await writeNix(seconds);
  const taken = new Map(dists.map(dist => [dist, caches.map((): number[] => [])]));
  for (let round = 0; round < rounds; round++) {
    for (const [dist, times] of taken) {
      for (const [at, cache] of caches.entries()) {
        times[at]?.push(await measure(dist, bin, cache));
      }
    }
  }
  for (const [dist, times] of taken) {
    const [well = Number.NaN, silent = Number.NaN] = times.map(median);
    rows.push({
      dist,
      'evaluation, at least': `${seconds} s`,
      'cache answers': `${well.toFixed(2)} s`,
      'never answers': `${silent.toFixed(2)} s`,
      more: `${(silent - well).toFixed(2)} s`,
    });
  }
}
console.table(rows);
rmSync(folder, { recursive: true, force: true });
