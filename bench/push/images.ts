import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './flake/generate.mts';
import type { Options } from './options.ts';

/** A store path to generate. */
interface Package {
  name: string;
  /** Another seed gives another content. */
  seed: string;
  parts: Part[];
}

export interface Layer {
  name: string;
  packages: Package[];
}

/** Layers by the name of the image. */
export type Images = Record<string, Layer[]>;

const library = (at: string, bytes: number, links = 0): Part => ({
  kind: 'library',
  at,
  bytes,
  files: 1,
  links,
});

const modules = (at: string, bytes: number, files: number): Part => ({
  kind: 'python',
  at,
  bytes,
  files: Math.ceil(files),
});

function pack(name: string, ...parts: Part[]): Package {
  const whole = (part: Part) =>
    'bytes' in part ? { ...part, bytes: Math.ceil(part.bytes) } : part;
  return { name, seed: name, parts: parts.map(whole) };
}

/** The image that a benchmark pushes: of wheels, of a folder, else a generated one; `version` is its app's. */
export function chosenImage(
  { bytes, tree, wheels }: Pick<Options, 'bytes' | 'tree' | 'wheels'>,
  version: string,
): Layer[] {
  if (wheels !== undefined) return imageOfWheels(wheels, version);
  return tree === undefined ? realisticImage(bytes, version) : imageOfTree(tree, version);
}

/**
 * An image like those of PyTorch on CUDA: few large libraries, a tenth of it in tens of thousands of
 * small files, some of it compressed already.
 */
export function realisticImage(bytes: number, version: string): Layer[] {
  const share = (part: number) => part * bytes;
  const files = (count: number) => (count * bytes) / 2.87e9;
  const site = 'lib/python3.12/site-packages';
  return [
    {
      name: 'python',
      packages: [
        pack(
          'python3-3.12.8',
          library('lib/libpython3.12.so', share(0.004)),
          modules('lib/python3.12', share(0.025), files(6500)),
        ),
        pack(
          'python3.12-scipy-1.15.1',
          library('lib/scipy.so', share(0.02)),
          modules(`${site}/scipy`, share(0.015), files(2500)),
        ),
        pack('python3.12-pillow-11.1.0', modules(`${site}/PIL`, share(0.004), files(800))),
      ],
    },
    {
      name: 'cuda',
      packages: [
        pack('cuda_cublas-12.8.3-lib', library('lib/libcublasLt.so', share(0.17))),
        pack('cuda_cusparse-12.5.7-lib', library('lib/libcusparse.so', share(0.06))),
        pack('cuda_cufft-11.3.3-lib', library('lib/libcufft.so', share(0.05))),
        pack('cuda_cudart-12.8.57-lib', library('lib/libcudart.so', share(0.001))),
      ],
    },
    {
      name: 'cudnn',
      packages: [
        pack(
          'cudnn-9.7.1-lib',
          library('lib/libcudnn_engines.so', share(0.13)),
          library('lib/libcudnn_graph.so', share(0.04)),
        ),
      ],
    },
    {
      name: 'pytorch',
      packages: [
        pack(
          'python3.12-torch-2.9.1',
          library('lib/libtorch_cuda.so', share(0.27)),
          library('lib/libtorch_cpu.so', share(0.08)),
          modules(`${site}/torch`, share(0.04), files(9000)),
        ),
        pack('python3.12-triton-3.5.1', library('lib/libtriton.so', share(0.03)), {
          kind: 'packed',
          at: 'share/kernels.zip',
          bytes: share(0.06),
          files: 1,
        }),
      ],
    },
    appLayer(version),
  ];
}

/** The layer that changes most; `version` is what changes. It refers to none of the others. */
function appLayer(version: string): Layer {
  const app = pack('app', modules('app', 2e6, 200), library('app/native.so', 1e6));
  return { name: 'app', packages: [{ ...app, seed: `app ${version}` }] };
}

/** A folder of the machine as one layer, and the same app. */
function imageOfTree(from: string, version: string): Layer[] {
  const tree: Package = { name: 'tree', seed: 'tree', parts: [{ kind: 'copy', from, at: 'tree' }] };
  return [{ name: 'tree', packages: [tree] }, appLayer(version)];
}

/** The wheels of a folder, unpacked, in layers as PyTorch's on CUDA would have them; and the same app. */
function imageOfWheels(folder: string, version: string): Layer[] {
  const wheels = readdirSync(folder).filter(name => name.endsWith('.whl'));
  const site = 'lib/python3.12/site-packages';
  const layer = (name: string, belongs: (wheel: string) => boolean): Layer[] => {
    const packages = wheels.filter(belongs).map(wheel => {
      const [distribution = '', release = ''] = wheel.split('-');
      const parts: Part[] = [{ kind: 'wheel', from: join(folder, wheel), at: site }];
      return { name: `${distribution}-${release}`, seed: wheel, parts };
    });
    return packages.length > 0 ? [{ name, packages }] : [];
  };
  const isCuda = (wheel: string) => wheel.startsWith('nvidia');
  const isPytorch = (wheel: string) => /^(torch|triton)/.test(wheel);
  return [
    ...layer('python', wheel => !isCuda(wheel) && !isPytorch(wheel)),
    ...layer('cuda', isCuda),
    ...layer('pytorch', isPytorch),
    appLayer(version),
  ];
}

/** An image with so many small layers. */
export function manyLayers(count: number): Layer[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `layer${index}`,
    packages: [pack(`package${index}`, modules('lib', 20_000, 2))],
  }));
}

/** An image that takes little of the disk: each package of a gigabyte is one file, linked ten times. */
export function largeImage(bytes: number): Layer[] {
  const size = Math.min(bytes, 1e9);
  const packages = Array.from({ length: Math.round(bytes / size) }, (_, index) =>
    pack(`block${index}`, library('lib/block.so', size / 10, 9)),
  );
  return [{ name: 'blocks', packages }];
}
