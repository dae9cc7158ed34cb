import type { Finding, PackageRecord } from '../../record/audit.ts';
import type { LocatedInstall } from '../located.ts';

/** A version of CUDA that something in the image was made for. */
interface CudaUse {
  major: string;
  /** Undefined where only the major version is said: it fits to each of its minor ones. */
  minor: string | undefined;
  what: string;
  layer: string;
}

/** Two versions of CUDA in one image: by packages, by what wheels are made for, by the index asked. */
export function twoCudaVersions(
  packages: readonly PackageRecord[],
  installs: readonly LocatedInstall[],
  layerOf: (drvPath: string | undefined) => string,
): Finding[] {
  const uses = [
    ...packages.flatMap(ofPackage),
    ...installs.flatMap(each => ofInstall(each, layerOf)),
  ];
  const exact = new Set(uses.flatMap(({ major, minor }) => (minor ? [`${major}.${minor}`] : [])));
  const majors = new Set(uses.map(({ major }) => major));
  if (majors.size < 2 && exact.size < 2) return [];
  const versions = new Map<string, CudaUse[]>();
  for (const use of uses) {
    // a bare major version is told apart only from other major versions
    if (use.minor === undefined && [...exact].some(version => version.startsWith(`${use.major}.`)))
      continue;
    const version = use.minor === undefined ? use.major : `${use.major}.${use.minor}`;
    versions.set(version, [...(versions.get(version) ?? []), use]);
  }
  const told = [...versions]
    .sort(([one], [other]) => Number(one) - Number(other))
    .map(([version, users]) => `${version} (${examples(users)})`);
  return [
    {
      rule: 'two-cuda-versions',
      severity: majors.size > 1 ? 'error' : 'warning',
      message: `The image has more than one CUDA: ${told.join(', ')}.`,
      cost:
        majors.size > 1
          ? 'Libraries of both are loaded into one process, which fails with missing symbols or gives wrong results; each set takes gigabytes.'
          : 'Each set of libraries takes gigabytes, and which one a process gets depends on the order in which they are loaded.',
      advice:
        'Take CUDA packages, wheels (+cu130) and index of one version, from one table of variants.',
    },
  ];
}

function examples(users: readonly CudaUse[]): string {
  const names = [...new Set(users.map(({ what, layer }) => `${what} in ${layer}`))];
  return names.length > 2
    ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
    : names.join(', ');
}

/** Packages of nixpkgs' CUDA sets whose version is that of CUDA. */
const cudaPackage =
  /^(?:cuda\d+\.\d+-)?cuda(?:_(?:cudart|nvcc|nvrtc|cccl|cupti|nvtx)|toolkit|-merged)$/;
/** pip's packages of the same. */
const cudaWheel = /^nvidia-cuda-(?:runtime|nvrtc|nvcc|cupti)(?:-cu\d+)?$/;

function ofPackage({ name, version = '', python, layer }: PackageRecord): CudaUse[] {
  const use = (cuda: string | undefined) =>
    cudaUse(cuda, python ? `${name} ${version}` : name, layer);
  if (cudaPackage.test(name) || cudaWheel.test(name)) {
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
    return major === undefined ? [] : [{ major, minor, what: name, layer }];
  }
  const [, local] = /\+(?:.*\.)?cu(\d+)/.exec(version) ?? [];
  const [, suffix] = /-cu(?:da)?(\d{2})x?$/.exec(name) ?? [];
  return use(local ?? suffix);
}

function ofInstall(
  { addresses, derivation }: LocatedInstall,
  layerOf: (drvPath: string | undefined) => string,
): CudaUse[] {
  return addresses.flatMap(address => {
    const [, cuda] = /\/cu(\d+)(?:\/|$)/.exec(address) ?? [];
    return cudaUse(cuda, 'the index that pip asks', layerOf(derivation));
  });
}

/** "130" is 13.0, "126" is 12.6, "13" is any of 13. */
function cudaUse(digits: string | undefined, what: string, layer: string): CudaUse[] {
  if (digits === undefined) return [];
  return [{ major: digits.slice(0, 2), minor: digits.slice(2) || undefined, what, layer }];
}
