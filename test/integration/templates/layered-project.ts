import { createHash } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Lifetime, type Project, prepareStandIn, run, temporaryFolder } from './stand-in.ts';
import { type Files, type Pin, type SourcePin, startWheelhouse } from './wheelhouse.ts';

const template = fileURLToPath(new URL('../../../templates/layered', import.meta.url));

/** The layers, from the bottom to the top. */
export const layers = [
  'layer2-cuda',
  'layer3-pytorch',
  'layer5-performance',
  'layer4-dependencies',
  'layer0-base',
  'layer1-python',
  'layer4-sources',
  'bytecode-pytorch',
  'bytecode-torch',
  'bytecode-torchvision',
  'bytecode-torchaudio',
  'bytecode-triton',
  'bytecode-performance',
  'bytecode-dependencies',
  'layer6-wheels',
  'bytecode-app',
  'layer6-app',
] as const;

/** The template as `nix flake init` gives it. */
export async function copyTemplate(context: Lifetime): Promise<Project> {
  const folder = join(await temporaryFolder(context, 'layered'), 'project');
  await cp(template, folder, { recursive: true });
  return { folder, nixpkgs: await prepareStandIn(context) };
}

/** A lock as far as these tests write it: of one variant. */
interface SmallLock {
  version: 1;
  wheels: Record<string, Record<string, Record<string, Record<string, Pin>>>>;
  sources: Record<string, SourcePin>;
}

/** The template with small wheels and sources in place of the real ones, so that it can be built. */
export interface SmallProject extends Project {
  /** Pins another revision of ComfyUI, in which main.py says this version. */
  updateComfyUI(version: string): Promise<void>;
  /** Pins other versions of wheels, by their names, or further wheels. */
  updateWheels(versions: Record<string, string>): Promise<void>;
  /** Versions of the wheels that are pinned, by name. */
  pinned(): Record<string, string>;
  /** Bytes of wheels and sources that were downloaded so far. */
  downloadedBytes(): number;
  /** File names of the wheels and sources that were downloaded since this was called before. */
  takeDownloads(): string[];
}

/** Bytes of a file. */
interface Bytes {
  /** Those that cannot be compressed, and are others for each version. */
  noise: number;
  /** Those that compression makes nothing of. */
  zeros: number;
}

/** What a wheel, or the source of ComfyUI, holds beside its module. */
export interface Weight extends Bytes {
  /** In a module, and so in its bytecode, too. */
  module?: Bytes;
}

const nothing: Weight = { noise: 0, zeros: 0 };

/**
 * Makes the project.
 * @param more wheels beyond those of the lock, by name: the version
 * @param weightOf what the wheel of this name weighs, or `comfyui`, the source
 * @param abi the Python of its one variant, with CUDA 13.0
 */
export async function smallProject(
  context: Lifetime,
  more: Record<string, string> = {},
  weightOf: (name: string) => Weight = () => nothing,
  abi = 'cp313',
): Promise<SmallProject> {
  const project = await copyTemplate(context);
  const file = join(project.folder, 'wheels.lock.json');
  const real = JSON.parse(await readFile(file, 'utf8')) as SmallLock;
  const pinned = real.wheels['x86_64-linux']?.cu130?.[abi] ?? {};
  const house = await startWheelhouse(context);
  const folder = await temporaryFolder(context, 'libraries');

  const wheels: Record<string, Pin> = {};
  const addWheels = async (versions: Record<string, string>) => {
    for (const [name, version] of Object.entries(versions)) {
      const files = {
        ...(builders.includes(name)
          ? await machineModules(name, folder)
          : name.startsWith('nvidia-')
            ? {}
            : module(name, version)),
        ...(await librariesOf(name, folder)),
        ...(name === 'torch' ? torchrun(version) : {}),
        ...weighing(name, version, weightOf(name)),
      };
      const requires = name === 'torch' ? ['numpy', 'nvidia-cublas', 'cuda-bindings'] : [];
      const { layer = 'performance' } = pinned[name] ?? {}; // what is added stands for a kernel
      wheels[name] = { ...(await house.addWheel({ name, version, files, requires })), layer };
    }
  };
  await addWheels({ ...versionsOf(pinned), ...more });
  const comfyui = (version: string, rev: string) =>
    house.addSource('ComfyUI', rev, {
      'main.py': mainOf(version),
      'custom_nodes/example/__init__.py': '',
      ...weighing('comfyui', version, weightOf('comfyui')),
    });
  const lock: SmallLock = {
    version: 1,
    wheels: { 'x86_64-linux': { cu130: { [abi]: wheels } } },
    sources: {
      comfyui: await comfyui('0.33.1', 'a'.repeat(40)),
      'sam-2': await house.addSource('sam2', 'b'.repeat(40), sam2),
    },
  };
  const save = () => writeFile(file, JSON.stringify(lock));
  await save();
  return {
    ...project,
    updateComfyUI: async version => {
      lock.sources.comfyui = await comfyui(version, 'c'.repeat(40));
      await save();
    },
    updateWheels: async changed => {
      await addWheels(changed);
      await save();
    },
    pinned: () => versionsOf(wheels),
    downloadedBytes: house.servedBytes,
    takeDownloads: house.takeServed,
  };
}

const versionsOf = (pins: Record<string, Pin>): Record<string, string> =>
  Object.fromEntries(Object.entries(pins).map(([name, { version }]) => [name, version]));

/** Files of this weight. */
function weighing(name: string, version: string, { module, ...data }: Weight): Files {
  const folder = name.replaceAll('-', '_');
  const files: Files = {};
  if (data.noise + data.zeros > 0) files[`${folder}/weight`] = bytesOf(`${name} ${version}`, data);
  if (module !== undefined && module.noise > 0) {
    const text = bytesOf(`${name} ${version}`, module).toString('hex');
    files[`${folder}/weight.py`] = `weight = "${text}"\n`;
  }
  return files;
}

function bytesOf(seed: string, { noise, zeros }: Bytes): Buffer {
  const hash = createHash('shake256', { outputLength: noise }).update(seed);
  return Buffer.concat([hash.digest(), Buffer.alloc(zeros)]);
}

/** A module of one line under a project's usual name. */
function module(name: string, version: string): Files {
  return { [`${name.replaceAll('-', '_')}/__init__.py`]: `__version__ = "${version}"\n` };
}

/** Wheels that build others, and so have to be real. */
const builders = ['pip', 'setuptools'];

/** The modules of a project of which the machine has a wheel. */
async function machineModules(name: string, folder: string): Promise<Files> {
  const wheels = '/usr/share/python-wheels';
  const [wheel = ''] = (await readdir(wheels)).filter(file => file.startsWith(`${name}-`));
  const root = join(folder, name);
  await run('/usr/bin/python3', ['-m', 'zipfile', '-e', join(wheels, wheel), root]);
  await ownCertificates(join(root, 'pip/_vendor/certifi/core.py'));
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter(each => each.isFile()).map(each => join(each.parentPath, each.name));
  const paths = files.map(file => relative(root, file)).filter(path => !/\.dist-info\//.test(path));
  return Object.fromEntries(paths.map(path => [path, { copyOf: join(root, path) }]));
}

/** Debian's pip reads the certificates of the machine, which a build cannot see, and has its own beside it. */
async function ownCertificates(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const path = "DEBIAN_CA_CERTS_PATH = __file__[:-len('core.py')] + 'cacert.pem'";
  if (text !== undefined) {
    await writeFile(file, text.replace(/^DEBIAN_CA_CERTS_PATH = .*$/m, path));
  }
}

/** What torch's wheel has pip make a program of. */
const torchrun = (version: string): Files => ({
  'torch/distributed/run.py': 'def main():\n    print("torchrun, a stand-in")\n',
  [`torch-${version}.dist-info/entry_points.txt`]:
    '[console_scripts]\ntorchrun = torch.distributed.run:main\n',
});

/** Libraries of wheels that something opens: path in the wheel → what they are linked to. */
const libraries: Record<string, Record<string, string[]>> = {
  torch: { 'torch/lib/libtorch_cuda.so': ['libcudart.so.13', 'libcublas.so.13', 'libcudnn.so.9'] },
  'nvidia-cuda-runtime': { 'nvidia/cu13/lib/libcudart.so.13': [] },
  'nvidia-cublas': { 'nvidia/cu13/lib/libcublas.so.13': [] },
  'nvidia-cuda-nvrtc': { 'nvidia/cu13/lib/libnvrtc.so.13': [] },
  'nvidia-cudnn-cu13': {
    'nvidia/cudnn/lib/libcudnn.so.9': [],
    'nvidia/cudnn/lib/libcudnn_ops.so.9': ['libcublas.so.13'],
  },
};

/** The libraries of a wheel, real ones without content; a wheel of NVIDIA's has a header, too. */
async function librariesOf(name: string, folder: string): Promise<Files> {
  const files: Files = {};
  for (const [path, needed] of Object.entries(libraries[name] ?? {})) {
    const file = join(folder, basename(path));
    await makeLibrary(file, needed);
    files[path] = { copyOf: file };
  }
  const header = `nvidia/${/-cu13$/.test(name) ? name.slice(7, -5) : 'cu13'}/include/${name}.h`;
  return name.startsWith('nvidia-') ? { ...files, [header]: '' } : files;
}

/** A shared library without content, with the soname of the file and linked to others. */
export async function makeLibrary(file: string, needed: readonly string[]): Promise<void> {
  const listed = await run('/sbin/ldconfig', ['-p']);
  const empty = /libutil\.so\.1 .*x86-64.* => (\S+)/.exec(listed)?.[1] ?? '';
  await cp(empty, file, { dereference: true });
  // one change each time: patchelf 0.14 mixes up the names when it makes several
  await run('patchelf', ['--set-soname', basename(file), file]);
  for (const name of needed) await run('patchelf', ['--add-needed', name, file]);
}

/** A source that pip builds without an index, by a backend of its own. */
export const sam2: Record<string, string> = {
  'pyproject.toml':
    '[project]\nname = "sam2"\nversion = "1.0"\n\n' +
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  'backend.py': `import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    assert os.environ["SAM2_BUILD_CUDA"] == "0"
    with zipfile.ZipFile(os.path.join(folder, "sam2-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("sam2/__init__.py", '__version__ = "1.0"\\n')
        info = "sam2-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: sam2\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return "sam2-1.0-py3-none-any.whl"
`,
};

/** A stand-in for ComfyUI's main.py: imports from each layer, writes where ComfyUI does, and ends. */
const mainOf = (version: string) => `import argparse, ctypes, importlib, os, sys

parser = argparse.ArgumentParser()
for flag in ("--quick-test-for-ci", "--cpu", "--enable-manager"):
    parser.add_argument(flag, action="store_true")
for option in ("--base-directory", "--listen", "--port"):
    parser.add_argument(option)
arguments = parser.parse_args()

names = ["numpy", "torch", "torchvision", "sam2", "sageattention", "comfyui_frontend_package"]
modules = {name: importlib.import_module(name) for name in names}
ctypes.CDLL(os.path.join(os.path.dirname(modules["torch"].__file__), "lib/libtorch_cuda.so"))
os.makedirs(os.path.join(arguments.base_directory, "user"), exist_ok=True)
open(os.path.join(arguments.base_directory, "user/comfyui.log"), "w").close()
found = " ".join(f"{name} {module.__version__}" for name, module in modules.items())
print(f"ComfyUI ${version}: {found}; quick={arguments.quick_test_for_ci} cpu={arguments.cpu}")
print(f"TRITON_LIBCUDA_PATH={os.environ['TRITON_LIBCUDA_PATH']}")
`;
