import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../test/integration/templates/stand-in.ts';
import { makeWheel } from '../../test/integration/templates/wheelhouse.ts';
import { type Podman, startPodman } from '../../test/tools/podman.ts';

const script = fileURLToPath(new URL('check.py', import.meta.url));

/** What was tried in the image, and what came out. */
export type Tried = [what: string, result: string];

/** Functions of libcuda that a library wants as soon as it is opened. */
const wanted = [
  'cuGetErrorString',
  'cuModuleGetFunction',
  'cuModuleLoadData',
  'cuModuleUnload',
  'cuTensorMapEncodeIm2col',
  'cuTensorMapEncodeTiled',
];

/** A stub of the driver's library. */
async function makeDriver(folder: string): Promise<void> {
  const source = join(folder, 'stub.c');
  writeFileSync(source, wanted.map(name => `int ${name}(void) { return 999; }\n`).join(''));
  const output = join(folder, 'libcuda.so.1');
  await run('gcc', ['-shared', '-nostdlib', '-Wl,-soname,libcuda.so.1', '-o', output, source]);
}

/** Things that the container is shown at /bench. */
async function makeTools(folder: string, debian: string): Promise<void> {
  mkdirSync(join(folder, 'driver'), { recursive: true });
  copyFileSync(script, join(folder, 'check.py'));
  copyFileSync(join(debian, 'usr/bin/cat'), join(folder, 'cat'));
  await makeDriver(join(folder, 'driver'));
  const name = 'needs_torch-1.0-py3-none-any.whl';
  await makeWheel(join(folder, name), {
    'needs_torch.py': 'import torch\n',
    'needs_torch-1.0.dist-info/METADATA':
      'Metadata-Version: 2.1\nName: needs-torch\nVersion: 1.0\nRequires-Dist: torch>=2.14\n' +
      'Requires-Dist: torchvision\nRequires-Dist: nvidia-cudnn-cu13\n',
    'needs_torch-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nTag: py3-none-any\n',
    'needs_torch-1.0.dist-info/RECORD': '',
  });
}

/** A program without Python that libtorch_cuda is loaded into; it prints what is mapped. */
const preload = `lib=$(dirname "$(readlink -f /lib64/ld-linux-x86-64.so.2)")
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$LD_LIBRARY_PATH" \\
  --preload /opt/python/pytorch/torch/lib/libtorch_cuda.so /bench/cat /proc/self/maps`;

const install = `/opt/python/bin/pip install --no-index --quiet /bench/needs_torch-1.0-py3-none-any.whl &&
cd / && /opt/python/bin/python3 -c 'import needs_torch; print(needs_torch.__file__, needs_torch.torch.__file__)' &&
ls /home/comfy/.local/lib/python*/site-packages`;

/**
 * Tries the image in podman, without a network.
 *
 * @param image as it is pulled
 * @param folder for what the container is shown
 * @param debian where the bench has unpacked the distribution whose Python is in the image
 */
export async function tryImage(image: string, folder: string, debian: string): Promise<Tried[]> {
  await makeTools(folder, debian);
  const podman = startPodman(image.split('/')[0] ?? '');
  try {
    await podman.run('pull', '--quiet', image);
    return await tryIn(podman, image, folder);
  } finally {
    await podman.dispose();
  }
}

async function tryIn(podman: Podman, image: string, folder: string): Promise<Tried[]> {
  const shell = (command: string, ...options: string[]) =>
    podman
      .run(
        ...['run', '--rm', '--network=none', '--volume', `${folder}:/bench:ro`, ...options],
        ...['--entrypoint', '/bin/sh', image, '-c', command],
      )
      .catch((error: Error) => `failed\t${error.message.slice(-2000)}`);
  const python = (what: string, ...options: string[]) =>
    shell(`/opt/python/bin/python3 /bench/check.py ${what}`, ...options);
  const stub = ['--volume', `${folder}/driver:/usr/lib/x86_64-linux-gnu:ro`];

  const lines = `${await python('import')}${await python('open', ...stub)}`.trim().split('\n');
  const maps = await shell(preload);
  return [
    ...lines.map((line): Tried => [line.split('\t')[0] ?? '', line.split('\t')[1] ?? '']),
    ['libtorch_cuda in a process without Python', librariesIn(maps)],
    ['pip check', (await shell('/opt/python/bin/pip check')).trim()],
    ['pip install --user of what requires torch', (await shell(install)).trim()],
  ];
}

/** How many of NVIDIA's libraries /proc/self/maps names, or what was printed in its place. */
function librariesIn(maps: string): string {
  const names = new Set(maps.match(/\/nix\/store\/\S*-nvidia-\S*\.so\S*/g));
  return maps.includes('libtorch_cuda.so') ? `${names.size} NVIDIA libraries mapped` : maps.trim();
}
