import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { copyExample, type Example, system } from './hermetic-example.ts';

/** What each package of {@link targetsFlake} is in one state of it. */
export type Versions = Partial<
  Record<'cudnn' | 'small' | 'python' | 'app' | 'tag' | 'more', string>
>;

/** A flake whose image has layers of several targets, and folders that are merged from them. */
export interface TargetsFlake extends Example {
  /** Changes it to these versions; what is not named is as at the beginning. */
  change(versions: Versions): Promise<void>;
}

const mebibytes = (count: number, file: string, seed: string) =>
  `$b head -c ${count * 2 ** 20} /dev/zero > ${file}; echo ${seed} >> ${file};`;

const flake = ({
  cudnn = '1',
  small = '1',
  python = '1',
  app = '1',
  tag = 'a',
  more = '',
}: Versions) => `{
  inputs.busybox.flake = false;
  outputs = { self, busybox }: let
    make = name: script: derivation {
      inherit name;
      system = "${system}";
      builder = "\${busybox}/bin/busybox";
      args = [ "sh" "-c" ''
        set -e; b=\${busybox}/bin/busybox; $b mkdir -p $out; cd $out
        \${script}
      '' ];
    };
    cublas = make "cublas-13" ''
      $b mkdir -p nvidia/cu13/lib nvidia/cu13/include
      ${mebibytes(20, 'nvidia/cu13/lib/libcublas.so.13', 'cublas')}
      $b ln -s libcublas.so.13 nvidia/cu13/lib/libcublas.so
      echo a > nvidia/cu13/include/cublas.h; echo > nvidia/__init__.py
    '';
    cudnn = make "cudnn-${cudnn}" ''
      $b mkdir -p nvidia/cudnn/lib nvidia/cu13
      ${mebibytes(17, 'nvidia/cudnn/lib/libcudnn.so.9', cudnn)}
      echo > nvidia/__init__.py; echo > nvidia/cu13/NOTICE
    '';
    nvtx = make "nvtx-1" "$b mkdir -p nvidia/cu13/lib; echo ${small} > nvidia/cu13/lib/libnvtx.so";
    licence = make "licence-1" "$b mkdir -p share; echo free > share/LICENCE";
    torch = make "torch-2" ''
      $b mkdir -p torch/include bin
      ${mebibytes(18, 'torch/libtorch.so', 'torch')}
      echo > torch/__init__.py; echo > torch/include/torch.h; echo > bin/torchrun
    '';
    jinja = make "jinja-3" "$b mkdir jinja2 bin; echo > jinja2/__init__.py; echo > bin/jinja";
    bytecode = make "bytecode" ''
      $b mkdir -p torch/__pycache__ jinja2/__pycache__
      echo ${python} > torch/__pycache__/init.pyc; echo ${python} > jinja2/__pycache__/init.pyc
    '';
    python = make "python-${python}" "$b mkdir bin lib; echo ${python} > bin/python; echo > lib/libpython.so";
    app = make "app-${app}" "$b mkdir bin; echo ${app} \${python} > bin/app";
    cuda = [ cublas cudnn nvtx licence ];
  in {
    packages.${system}.comfyui = app // {
      recipe = {
        name = "comfyui"; tag = "${tag}";
        layers = [
          { name = "cuda"; targets = cuda; }
          { name = "pytorch"; targets = [ torch jinja ${more} ]; }
          { name = "performance"; targets = [ ]; }
          { name = "downloads"; targets = [ torch nvtx ]; image = false; }
          { name = "python"; target = python; }
          { name = "bytecode"; targets = [ bytecode ]; }
          { name = "app"; target = app; }
        ];
        root = [ python app ];
        folders = [
          { at = "/opt/python/cuda"; from = map (each: "\${each}") cuda; }
          { at = "/usr/local/cuda/lib64"; from = map (each: "\${each}/nvidia/cu13/lib") cuda; }
          { at = "/opt/python/pytorch"; from = [ torch jinja bytecode ${more} ./files ]; }
        ];
        config.Entrypoint = [ "/bin/app" ];
      };
    };
  };
}`;

/** Writes such a flake for one test. */
export async function targetsFlake(context: TestContext): Promise<TargetsFlake> {
  const { busybox } = await copyExample(context);
  const folder = await mkdtemp(join(tmpdir(), 'targets-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const change = async (versions: Versions) => {
    await writeFile(join(folder, 'flake.nix'), flake(versions));
  };
  await change({});
  return { folder, busybox, change };
}
