import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownBlobSize } from '../../src/image/target-groups.ts';
import { type Lock, parseLock } from '../../src/wheels/lock.ts';
import {
  type SmallProject,
  smallProject,
  type Weight,
} from '../../test/integration/templates/layered-project.ts';
import {
  type Lifetime,
  moveNixpkgs,
  patchPython,
  temporaryFolder,
} from '../../test/integration/templates/stand-in.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Megabytes of the real packages, compressed, all divided by `scale`: those of nixpkgs and of ComfyUI are
 * estimated, wheels have those of the lock, bytecode is measured.
 */
interface Sizes {
  scale: number;
  comfyui: number;
  /** Of a whole layer, at one of its wheels. */
  bytecode: Record<string, number>;
  /** Wheels that are blobs of their own in the real image. */
  ownBlobs: string[];
}

/** `templates/layered` with packages whose sizes are to one another as the real ones' are. */
export interface WeightedProject extends SmallProject {
  scale: number;
  /** Adds the Python package yarl, which it is made without, to packages.nix. */
  addPackage(): Promise<void>;
  /** Adds a wheel of 20 MB, a kernel. */
  addWheel(): Promise<void>;
  /** Takes another nixpkgs. */
  moveNixpkgs(): Promise<void>;
  /** Takes one in which Python alone differs. */
  patchPython(): Promise<void>;
}

/** What wheels weigh, by their names. */
function weights(sizes: Sizes, lock: Lock): (name: string) => Weight {
  const pins = lock.wheels['x86_64-linux']?.cu130?.cp313 ?? {};
  const own = new Set([...sizes.ownBlobs, added]);
  const bytes = (megabytes: number) => Math.round((megabytes * 1e6) / sizes.scale);
  const zerosOf = (isAlone: boolean) => (isAlone ? ownBlobSize : 0);
  return name => {
    if (name === 'comfyui') return { noise: bytes(sizes.comfyui), zeros: 0 };
    const megabytes = name === added ? 20 : (pins[name]?.size ?? 0) / 1e6;
    const compiled = sizes.bytecode[name] ?? 0;
    return {
      noise: bytes(Math.max(0, megabytes - compiled)),
      zeros: zerosOf(own.has(name)),
      // compiled it is a blob of its own, or not, as the real one is
      module: { noise: bytes(compiled), zeros: zerosOf(compiled > 16) },
    };
  };
}

const added = 'one-more';

/** Makes the project, and the nixpkgs that goes with it; both end with `lifetime`. */
export async function weightedProject(lifetime: Lifetime): Promise<WeightedProject> {
  const sizes: Sizes = JSON.parse(await readFile(here('sizes.json'), 'utf8'));
  const lockFile = here('../../templates/layered/wheels.lock.json');
  const lock = parseLock(await readFile(lockFile, 'utf8'), lockFile);
  const project = await smallProject(lifetime, {}, weights(sizes, lock));

  const nixpkgs = await temporaryFolder(lifetime, 'weighted-nixpkgs');
  await cp(here('nixpkgs'), nixpkgs, { recursive: true });
  await cp(here('sizes.json'), join(nixpkgs, 'sizes.json'));
  for (const name of ['stand-in', 'generator']) {
    await cp(project.nixpkgs, join(nixpkgs, name), { recursive: true });
  }

  const file = join(project.folder, 'packages.nix');
  const packages = await readFile(file, 'utf8');
  await writeFile(file, packages.replace(/^ *yarl\n/m, ''));
  const standIn = join(nixpkgs, 'stand-in');
  return {
    ...project,
    nixpkgs,
    scale: sizes.scale,
    addPackage: () => writeFile(file, packages),
    addWheel: () => project.updateWheels({ [added]: '1.0' }),
    moveNixpkgs: () => moveNixpkgs(standIn),
    patchPython: () => patchPython(standIn),
  };
}
