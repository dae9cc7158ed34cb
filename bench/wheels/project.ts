import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sam2 } from '../../test/integration/templates/layered-project.ts';
import type { Lifetime, Project } from '../../test/integration/templates/stand-in.ts';
import { type SourcePin, startWheelhouse } from '../../test/integration/templates/wheelhouse.ts';

const template = fileURLToPath(new URL('../../templates/layered', import.meta.url));

/** A wheel as the lock pins it, as far as benches change it. */
export interface WheelPin {
  layer: string;
  version: string;
  url: string;
  hash: string;
  size: number;
  source: string;
  unpacked?: string;
}

/** Pins of the variant that is built, by project. */
type Pins = Record<string, WheelPin>;

/** `templates/layered` with the lock that it ships, for real wheels. */
export interface RealProject extends Project {
  /** Pins another revision of ComfyUI, whose main.py says this version. */
  updateComfyUI(version: string): Promise<void>;
  /** Pins other wheels; what it returns takes the place of those of the default variant. */
  updateWheels(change: (pins: Pins) => Promise<Pins>): Promise<void>;
}

/** Makes the project; ComfyUI and SAM-2 are small, and served on loopback until the lifetime's end. */
export async function realProject(
  lifetime: Lifetime,
  folder: string,
  nixpkgs: string,
): Promise<RealProject> {
  await rm(folder, { recursive: true, force: true });
  await cp(template, folder, { recursive: true });
  const house = await startWheelhouse(lifetime);
  const comfyui = (version: string, rev: string) =>
    house.addSource('ComfyUI', rev, {
      'main.py': `print("ComfyUI ${version}, a stand-in")\n`,
      'custom_nodes/__init__.py': '',
    });
  const sources: Record<string, SourcePin> = {
    comfyui: await comfyui('0.33.1', 'a'.repeat(40)),
    'sam-2': await house.addSource('sam2', 'b'.repeat(40), sam2),
  };

  const file = join(folder, 'wheels.lock.json');
  const lock = JSON.parse(await readFile(file, 'utf8'));
  const variant: { cp313: Pins } = lock.wheels['x86_64-linux'].cu130;
  const save = () => writeFile(file, JSON.stringify({ ...lock, sources }));
  await save();
  return {
    ...{ folder, nixpkgs },
    updateComfyUI: async version => {
      sources.comfyui = await comfyui(version, 'c'.repeat(40));
      await save();
    },
    updateWheels: async change => {
      variant.cp313 = await change(variant.cp313);
      await save();
    },
  };
}
