import { pythonTag, type Variant } from './variant.ts';
import type { WheelName } from './wheel-name.ts';

/** Minor version of the newest glibc 2.x that is counted on: nixpkgs 25.11 has 2.40. */
const newestGlibc = 40;

/** Names that PEP 513, 571 and 599 gave before PEP 600 put the glibc version into the tag. */
const namedPlatforms: Readonly<Record<string, number>> = {
  manylinux1: 5,
  manylinux2010: 12,
  manylinux2014: 17,
};

/**
 * How well a wheel's tags suit a variant, the higher the better, as installers order them (PEP 425):
 * made for this Python before the stable ABI before pure Python, then by the newest glibc. Undefined:
 * the wheel cannot be used there.
 */
export function tagRank(wheel: WheelName, variant: Variant): number | undefined {
  const python = best(
    wheel.pythons.flatMap(tag => wheel.abis.map(abi => pythonRank(tag, abi, variant))),
  );
  const platform = best(wheel.platforms.map(tag => platformRank(tag, variant.system)));
  return python === undefined || platform === undefined ? undefined : python * 1000 + platform;
}

function pythonRank(tag: string, abi: string, variant: Variant): number | undefined {
  const minor = Number(variant.python.split('.')[1]);
  const wanted = pythonTag(variant);
  if (tag === wanted && abi === wanted) return 1000;
  const [, kind, digits = ''] = /^(cp|py)3(\d*)$/.exec(tag) ?? [];
  const madeFor = Number(digits);
  if (kind === undefined || madeFor > minor) return undefined;
  if (abi === 'abi3' && kind === 'cp') return 500 + madeFor;
  // `cp3X-none` holds programs rather than extensions, and is for that Python alone
  if (abi !== 'none' || (kind === 'cp' && tag !== wanted)) return undefined;
  return kind === 'cp' ? 400 : madeFor;
}

function platformRank(tag: string, system: string): number | undefined {
  const [arch = '', kernel] = system.split('-');
  if (tag === 'any') return 0;
  if (kernel !== 'linux' || !tag.endsWith(`_${arch}`)) return undefined;
  const platform = tag.slice(0, -arch.length - 1);
  if (platform === 'linux') return 1;
  const [, minor] = /^manylinux_2_(\d+)$/.exec(platform) ?? [];
  const glibc = minor === undefined ? namedPlatforms[platform] : Number(minor);
  return glibc === undefined || glibc > newestGlibc ? undefined : 2 + glibc;
}

function best(ranks: readonly (number | undefined)[]): number | undefined {
  const possible = ranks.filter(rank => rank !== undefined);
  return possible.length === 0 ? undefined : Math.max(...possible);
}
