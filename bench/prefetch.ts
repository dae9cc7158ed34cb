// Measures a full `prefetch` of 6 wheels × 3 CUDA × 2 Python versions, as a process of its own,
// against an index on this machine that gives digests, over a link with a round trip of 50 ms.
// Pages are as long as PyTorch's. The goal: under 3 s, under 5 MB.
//
//     npm run bench:prefetch
//     npm run bench:prefetch -- FOLDER    requirements lists of a folder, from the package index (network)

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTcpProxy } from '../test/tools/faulty-proxy.ts';
import {
  type IndexBehaviour,
  type PackageIndex,
  startPackageIndex,
} from '../test/tools/package-index.ts';
import { measureLists } from './prefetch-lists.ts';

const rounds = 5;
const entry = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const cuda = ['cu126', 'cu128', 'cu130'];
const pythons = ['3.12', '3.13'];
const projects: Record<string, string> = {
  torch: '2.10.0',
  torchvision: '0.25.0',
  torchaudio: '2.10.0',
  xformers: '0.0.35',
  'flash-attn': '2.8.3',
  sageattention: '2.2.0',
};

/** Every version for all Pythons and platforms that PyTorch builds for. */
function publish(index: PackageIndex): void {
  const platforms = ['manylinux_2_28_x86_64', 'manylinux_2_28_aarch64', 'win_amd64'];
  const tags = ['cp310', 'cp311', 'cp312', 'cp313', 'cp313t', 'cp314', 'cp314t'];
  for (const each of cuda) {
    for (const [project, newest] of Object.entries(projects)) {
      for (const version of [...Array.from({ length: 19 }, (_, at) => `0.0.${at}`), newest]) {
        for (const tag of tags) {
          for (const platform of platforms) {
            const name = project.replaceAll('-', '_');
            const python = tag.replace(/t$/, '');
            index.publish(each, `${name}-${version}+${each}-${python}-${tag}-${platform}.whl`, {
              requires: project.startsWith('torch') && project !== 'torch' ? ['torch==2.10.0'] : [],
            });
          }
        }
      }
    }
  }
}

interface Measured {
  seconds: number;
  bytes: number;
  requests: number;
  pins: number;
}

async function measure(index: PackageIndex, address: string): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'prefetch-'));
  try {
    const wheels = join(folder, 'wheels.toml');
    const lock = join(folder, 'wheels.lock.json');
    const list = (values: readonly string[]) => JSON.stringify(values);
    const tables = Object.entries(projects).map(
      ([project, version]) => `[wheels.${project}]\nversion = "${version}"`,
    );
    await writeFile(
      wheels,
      `cuda = ${list(cuda)}\npython = ${list(pythons)}\nindex = "http://${address}/{cuda}"\n` +
        tables.join('\n'),
    );
    const before = index.written();
    index.requests.length = 0;
    const startedAt = performance.now();
    const env = { PATH: process.env.PATH, HOME: folder };
    const args = [entry, 'prefetch', '--wheels', wheels, '--lock', lock];
    const [code] = await once(spawn(process.execPath, args, { env, stdio: 'ignore' }), 'close');
    const seconds = (performance.now() - startedAt) / 1000;
    if (code !== 0) throw new Error(`prefetch ended with ${code}`);
    const text = await readFile(lock, 'utf8');
    const pins = text.split('"hash"').length - 1;
    return { seconds, bytes: index.written() - before, requests: index.requests.length, pins };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const variants: [string, Partial<IndexBehaviour>][] = [
    ['JSON, packed', { format: 'json', gzip: true }],
    ['HTML, packed', { format: 'html', gzip: true }],
    ['HTML, not packed', { format: 'html', gzip: false }],
  ];
  const index = await startPackageIndex();
  publish(index);
  const proxy = await startTcpProxy(new URL(index.url).host, () => ({ latency: 25 }));
  try {
    for (const [name, behaviour] of variants) {
      Object.assign(index.behaviour, behaviour);
      const all: Measured[] = [];
      for (let round = 0; round < rounds; round++) all.push(await measure(index, proxy.address));
      all.sort((a, b) => a.seconds - b.seconds);
      const median = all[Math.floor(rounds / 2)];
      if (median === undefined) continue;
      const { seconds, bytes, requests, pins } = median;
      const size = `${(bytes / 1e6).toFixed(2)} MB`;
      console.log(
        `${name.padEnd(17)} ${seconds.toFixed(2)} s  ${size}  ${requests} requests  ${pins} pins`,
      );
    }
  } finally {
    await proxy.stop();
    await index.stop();
  }
}

const [folder] = process.argv.slice(2);
await (folder === undefined ? main() : measureLists(folder));
