import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type SmallProject,
  smallProject,
} from '../../test/integration/templates/layered-project.ts';
import { type Lifetime, temporaryFolder } from '../../test/integration/templates/stand-in.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Sizes of packages in megabytes of the real ones, by where they are from; divided by `scale`. */
interface Sizes {
  scale: number;
  wheels: Record<string, number>;
}

/** `templates/layered` with packages whose sizes are to one another as the real ones' are. */
export interface WeightedProject extends SmallProject {
  scale: number;
  /** Adds the Python package yarl, which it is made without, to packages.nix. */
  addPackage(): Promise<void>;
}

/** Makes the project, and the nixpkgs that goes with it; both end with `lifetime`. */
export async function weightedProject(lifetime: Lifetime): Promise<WeightedProject> {
  const { scale, wheels }: Sizes = JSON.parse(await readFile(here('sizes.json'), 'utf8'));
  const bytesOf = (name: string) => ({ noise: ((wheels[name] ?? 0) * 1e6) / scale, zeros: 0 });
  // flash-attn is what weighs most among the performance wheels; the lock has it for other variants
  const project = await smallProject(lifetime, { 'flash-attn': '2.8.2' }, bytesOf);

  const nixpkgs = await temporaryFolder(lifetime, 'weighted-nixpkgs');
  await cp(here('nixpkgs'), nixpkgs, { recursive: true });
  await cp(here('sizes.json'), join(nixpkgs, 'sizes.json'));
  await cp(project.nixpkgs, join(nixpkgs, 'stand-in'), { recursive: true });

  const file = join(project.folder, 'packages.nix');
  const packages = await readFile(file, 'utf8');
  await writeFile(file, packages.replace(/^ *yarl\n/m, ''));
  return { ...project, nixpkgs, scale, addPackage: () => writeFile(file, packages) };
}
