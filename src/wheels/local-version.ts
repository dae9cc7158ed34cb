import type { Variant } from './variant.ts';

/** What a version's local part tells, after the habits of PyTorch and of those who build for it. */
export interface LocalVersion {
  /** Digits: "130" for `+cu130` and `+cu13.0`, or the major version alone: "13" for `+cu13`. */
  cuda: string | undefined;
  /** The PyTorch it was built with: "2.10". */
  torch: string | undefined;
  /** Made for something other than CUDA: "cpu", "rocm", "xpu". */
  other: string | undefined;
}

/**
 * Reads the local part of versions such as `2.10.0+cu130`, `2.8.3+cu13torch2.10cxx11abiTRUE`,
 * `1.2.1+cu13.0torch2.11` and `2.11.0+rocm6.4`.
 */
export function parseLocalVersion(version: string): LocalVersion {
  const local = (version.split('+')[1] ?? '').toLowerCase();
  const [, major, minor = ''] = /cu(\d+)(?:\.(\d+))?/.exec(local) ?? [];
  const [, torch] = /torch(\d+\.\d+)/.exec(local) ?? [];
  const [other] = /cpu|rocm|hip|xpu/.exec(local) ?? [];
  return { cuda: major === undefined ? undefined : major + minor, torch, other };
}

/**
 * Whether a version's local part suits the variant and the PyTorch that goes with it. A version
 * that says nothing suits all: its index or release has to.
 * @param torch PyTorch's version in this variant, where it is known
 */
export function suits(version: string, variant: Variant, torch: string | undefined): boolean {
  const { cuda, torch: builtWith, other } = parseLocalVersion(version);
  if (other !== undefined && cuda === undefined) return false;
  const wanted = variant.cuda.slice('cu'.length);
  if (cuda !== undefined && cuda !== wanted && !(cuda.length === 2 && wanted.startsWith(cuda))) {
    return false;
  }
  return builtWith === undefined || torch === undefined || torch.startsWith(`${builtWith}.`);
}
