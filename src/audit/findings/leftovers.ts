import type { ContainerConfig } from '../../image/types.ts';
import type { Closure } from '../../nix/closures.ts';
import { nameOf } from '../../nix/names.ts';
import type { Finding, PackageRecord } from '../../record/audit.ts';
import { megabytes } from '../contents.ts';
import type { LayerClosures } from '../subject.ts';

/**
 * Store paths that are in the image and that nothing in it should need: derivations, headers,
 * compilers. Only known once the layers are built.
 *
 * Triton, torch.compile and a few others compile on the GPU's host when a model runs. Where one of
 * them is in the image, or a variable such as CC or CUDA_HOME says that something compiles, a C
 * compiler with its headers, ptxas and ninja are what it needs; other compilers stay leftovers.
 */
export function leftovers(
  closures: LayerClosures,
  config: ContainerConfig,
  packages: readonly PackageRecord[],
  makers: ReadonlyMap<string, string>,
): Finding[] {
  const wheels = new Set(
    packages.flatMap(each => (each.source === 'wheel' ? (each.derivation ?? []) : [])),
  );
  const compiling = whatCompiles(config, packages);
  const seen = new Set<string>();
  return [...closures].flatMap(([layer, closure]) => {
    const own = closure.filter(({ path }) => !seen.has(path));
    for (const { path } of own) seen.add(path);
    // a wheel of cmake or ninja is there because somebody wants it
    const unasked = own.filter(({ path }) => !wheels.has(makers.get(path) ?? ''));
    const groups = Map.groupBy(unasked, ({ path }) => leftoverKind(path, compiling !== undefined));
    return [...groups].flatMap(([kind, some]) =>
      kind === undefined ? [] : [leftover(kind, some, layer)],
    );
  });
}

/** Python packages that compile when they run (their manuals: JIT, torch.compile, C++ extensions). */
const jitPackages = new Set([
  ...['triton', 'torch', 'torch-bin', 'xformers', 'flash-attn', 'sageattention', 'nunchaku'],
  ...['bitsandbytes', 'deepspeed', 'jax', 'tvm', 'cppyy', 'pythran'],
]);
const compilerVariable = /^(?:CC|CXX|CUDA_HOME|CUDA_PATH|TRITON_\w+|TORCH_EXTENSIONS_DIR)=./;

/** What compiles at run time; undefined: nothing does. */
function whatCompiles(
  config: ContainerConfig,
  packages: readonly PackageRecord[],
): string | undefined {
  const jit = packages.find(({ python, name }) => python && jitPackages.has(name));
  return jit?.name ?? config.Env?.find(variable => compilerVariable.test(variable));
}

type LeftoverKind = 'derivations' | 'headers' | 'compilers';

/** What a C compiler at run time is made of: the compiler, what it calls, the headers it reads. */
const cCompiler =
  /^(?:gcc|gcc-wrapper|binutils|binutils-wrapper|clang|clang-wrapper|expand-response-params|ninja|cuda[\d.-]*_nvcc|cuda_nvcc|linux-headers|glibc)(?:-\d|$)/;
const otherCompiler =
  /^(?:gfortran|gfortran-wrapper|rustc|rustc-wrapper|cargo|go|ghc|cmake|meson|bazel|llvm|maturin|nasm|autoconf|automake|gnumake|cython)(?:-\d|$)/;

function leftoverKind(path: string, isCompiling: boolean): LeftoverKind | undefined {
  const name = nameOf(path);
  if (path.endsWith('.drv')) return 'derivations';
  // the libraries of a compiler are what its programs are linked with
  if (/-(?:lib|libgcc|man|doc|info)$/.test(name)) return undefined;
  if (otherCompiler.test(name)) return name.endsWith('-lib') ? undefined : 'compilers';
  if (cCompiler.test(name)) {
    if (isCompiling || /^glibc-[\d.-]+$/.test(name)) return undefined;
    return name.endsWith('-dev') || name.startsWith('linux-headers') ? 'headers' : 'compilers';
  }
  return name.endsWith('-dev') ? 'headers' : undefined;
}

const told: Readonly<Record<LeftoverKind, Pick<Finding, 'cost' | 'advice'>>> = {
  derivations: {
    cost: 'Derivations bring with them all sources and tools that the image was built from.',
    advice: 'Look for a text with a .drvPath in it, and name the output instead.',
  },
  headers: {
    cost: 'Headers and static libraries are sent and pulled with every image, and nothing reads them.',
    advice:
      'Find who refers to them with nix why-depends; name the output "lib" or "out", or remove the references.',
  },
  compilers: {
    cost: 'Compilers take hundreds of megabytes, and nothing in the image compiles.',
    advice:
      'Find who refers to it with nix why-depends, and remove the reference (removeReferencesTo), or move the tool to nativeBuildInputs.',
  },
};

function leftover(kind: LeftoverKind, paths: Closure, layer: string): Finding {
  const bySize = [...paths].sort((a, b) => b.narSize - a.narSize);
  const shown = bySize
    .slice(0, 5)
    .map(({ path }) => nameOf(path) + (path.endsWith('.drv') ? '.drv' : ''));
  const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more` : '';
  const size = paths.reduce((sum, { narSize }) => sum + narSize, 0);
  return {
    rule: 'leftovers',
    severity: 'warning',
    message: `${layer} holds ${kind}${sizeText(size)}: ${shown.join(', ')}${more}.`,
    layer,
    ...told[kind],
  };
}

const sizeText = (bytes: number) => (bytes < 1e6 ? '' : `, ${megabytes(bytes)}`);
