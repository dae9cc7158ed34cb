import { audit } from '../../../src/audit/audit.ts';
import { factsOf } from '../../../src/audit/facts.ts';
import { nearDerivations } from '../../../src/audit/near.ts';
import { ofNixpkgs } from '../../../src/audit/origins.ts';
import type { LayerBlobs, LayerClosures } from '../../../src/audit/subject.ts';
import type { ContainerConfig } from '../../../src/image/types.ts';
import type { Derivation } from '../../../src/nix/derivation.ts';

/** A derivation as a test writes it: attributes, and the names of its inputs. */
export interface Written {
  inputs?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** What evaluation has seen of where it is written; nothing, where it has not. */
  origin?: 'nixpkgs' | 'own';
}

const hash = '0'.repeat(32);
export const outPath = (name: string) => `/nix/store/${hash}-${name}`;
const drvPath = (name: string) => `${outPath(name)}.drv`;

function derivationOf(name: string, { inputs = [], env = {} }: Written): Derivation {
  return {
    outputs: new Map([['out', outPath(name)]]),
    inputDrvs: new Map(inputs.map(input => [drvPath(input), ['out']])),
    inputSrcs: [],
    system: 'x86_64-linux',
    builder: '/bin/sh',
    args: [],
    env: new Map(Object.entries({ name, out: outPath(name), ...env })),
  };
}

/** A package of nixpkgs. */
export const nixpkgs = (
  pname: string,
  version: string,
  inputs: readonly string[] = [],
): Written => ({
  inputs,
  origin: 'nixpkgs',
  env: { pname, version, buildInputs: inputs.map(outPath).join(' ') },
});

/** What fetches a wheel; `unpacked`: and unpacks it, in one step. */
export const wheel = (file: string, unpacked = false): Written => ({
  inputs: ['stdenv-linux'],
  env: {
    urls: `https://example.org/whl/${file}`,
    outputHash: 'sha256-x',
    outputHashMode: unpacked ? 'recursive' : 'flat',
  },
});

/** What else is known of an image. */
interface Known {
  closures?: LayerClosures;
  blobs?: LayerBlobs;
  hasRecipe?: boolean;
  /** Layer → the derivations that it is made of. */
  made?: Readonly<Record<string, readonly string[]>>;
}

/** Layer → the derivations that it is made of: those that are called layer…, one each. */
const layersByName = (written: object) =>
  Object.fromEntries(
    Object.keys(written)
      .filter(name => name.startsWith('layer'))
      .map(name => [name, [name]]),
  );

/** Audits an image of layers in the order in which they are written. */
export function auditOf(
  written: Readonly<Record<string, Written>>,
  config: ContainerConfig = { User: '1000' },
  { closures, blobs, hasRecipe = true, made = layersByName(written) }: Known = {},
) {
  const derivations = new Map(
    Object.entries(written).map(([name, each]) => [drvPath(name), derivationOf(name, each)]),
  );
  const graph = new Map([...derivations].map(([path, each]) => [path, factsOf(each, path)]));
  const from = (wanted: Written['origin']) =>
    new Set(
      Object.keys(written)
        .filter(name => written[name]?.origin === wanted)
        .map(drvPath),
    );
  const seen = { own: from('own'), nixpkgs: from('nixpkgs'), unfree: new Map<string, string>() };
  const provenance = { ...seen, nixpkgs: ofNixpkgs(graph, seen) };
  const layers = Object.entries(made).map(([name, targets]) => {
    const drvPaths = targets.map(drvPath);
    return { name, shipped: true, drvPaths, contents: drvPaths };
  });
  const targets = layers.flatMap(({ drvPaths }) => drvPaths);
  const near = nearDerivations(targets, graph, provenance, path => {
    const found = derivations.get(path);
    if (found === undefined) throw new Error(`${path} is not written`);
    return found;
  });
  const textOf = () => undefined;
  return audit({ layers, config, hasRecipe, graph, provenance, near, textOf }, closures, blobs);
}
