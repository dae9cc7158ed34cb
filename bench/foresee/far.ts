import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { system } from '../../test/integration/build/hermetic-example.ts';
import { freshMachine, program } from '../../test/integration/build/machine.ts';
import { startMoodyCache } from '../../test/tools/cache-stand-in.ts';
import { startRegistry } from '../../test/tools/registry.ts';
import { runnerLink, startLink } from '../push/link.ts';

/** A layer above the others, each of `paths` packages and what refers to them. */
interface Shape {
  layers: number;
  paths: number;
}

const shape: Shape = { layers: 8, paths: 12 };

const flakeOf = ({ layers, paths }: Shape, app: string) => `{
  inputs.busybox = { follows = ""; flake = false; };
  outputs = { self, busybox }: let
    make = name: script: derivation {
      inherit name; system = "${system}"; builder = "\${busybox}/bin/busybox";
      args = [ "sh" "-c" "b=\${busybox}/bin/busybox; $b mkdir $out; \${script}" ];
    };
    count = builtins.genList (at: toString at);
    package = layer: at: make "package-\${layer}-\${at}"
      "for n in $($b seq 2000); do echo \${layer} \${at} $n; done > $out/file";
    target = layer: make "layer\${layer}"
      "echo \${toString (map (package layer) (count ${paths}))} > $out/refers";
    targets = map target (count ${layers - 1});
    app = make "app" "echo '${app}' > $out/app";
  in {
    comfyui = app // { recipe = {
      name = "far"; tag = "x";
      layers = map (target: { inherit target; name = target.name; }) (targets ++ [ app ]);
    }; };
    all = make "all" "echo \${toString (targets ++ [ app ])} > $out/refers";
  };
}`;

/** What the image is planned with: nothing of it is in the store. */
export interface Far {
  /** Words of programs that run there. */
  evaluate: readonly string[];
  dryRun: readonly string[];
  plan: readonly string[];
  /** The same of an image of which no registry knows. */
  planUnknown: readonly string[];
  change(app: string): Promise<void>;
  /** Runs one of them, which knows nothing of those before it; rejects with what it said. */
  run(words: readonly string[]): Promise<void>;
}

/** An image of 8 layers, 100 blobs in a registry, and its packages in the last of three caches, each 20 ms away. */
export async function farAway(context: TestContext, busybox: string): Promise<Far> {
  const builder = await freshMachine(context);
  const folder = join(builder.home, 'flake');
  const cache = join(builder.home, 'cache');
  await mkdir(folder);
  const change = (app: string) => writeFile(join(folder, 'flake.nix'), flakeOf(shape, app));
  await change('first');

  const registry = await startRegistry();
  context.after(() => registry.stop());
  const far = async (address: string) => {
    const link = await startLink(address, runnerLink);
    context.after(() => link.stop());
    return link.address;
  };
  const urls: string[] = [];
  for (const files of ['/nowhere/1', '/nowhere/2', cache]) {
    const stand = await startMoodyCache(files);
    context.after(() => stand.stop());
    urls.push(`http://${await far(new URL(stand.url).host)}?trusted=true`);
  }
  const repository = `${await far(registry.address)}/comfy/far`;
  const run = async (machine: typeof builder, words: readonly string[]) => {
    const { code, stderr } = await machine.command(words);
    if (code !== 0) throw new Error(stderr);
  };
  const nix = ['nix', '--extra-experimental-features', 'nix-command flakes'];
  const input = ['--override-input', 'busybox', `path:${busybox}`];
  const image = (name: string) => ['--image', name, '--max-layer-size', '1KiB'];
  const { code, stderr } = await builder.build({ folder, busybox }, image(repository));
  if (code !== 0) throw new Error(stderr);
  await run(builder, [...nix, 'copy', '--to', `file://${cache}`, `path:${folder}#all`, ...input]);

  const machine = await freshMachine(context);
  const plan = [
    ...[process.execPath, program, 'plan', `path:${folder}#comfyui`, '--no-cuda-caches'],
    ...['--override-inputs', `busybox=path:${busybox}`, '--extra-substituters', urls.join('\n')],
  ];
  const caches = ['--extra-substituters', urls.join(' ')];
  return {
    evaluate: [...nix, 'eval', '--raw', `path:${folder}#comfyui.drvPath`, ...input],
    dryRun: [...nix, 'build', '--dry-run', `path:${folder}#all`, ...input, ...caches],
    plan: [...plan, ...image(repository)],
    planUnknown: [...plan, ...image(`${repository}-new`)],
    change,
    run: async words => {
      await rm(join(machine.home, '.cache'), { recursive: true, force: true });
      await run(machine, words);
    },
  };
}
