import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { type Derivation, type DerivationNode, readDerivations } from '../nix/derivation.ts';
import { nameOf } from '../nix/names.ts';
import { type Marks, marksOf } from './marks.ts';

/** What is kept of a derivation, so that a later one can be compared with it. */
export interface KeptDerivation {
  /** Without hash and ".drv". */
  name: string;
  /** 12 hex digits of what it makes: where they are the same, nothing is built anew. */
  id: string;
  /** Places, in the list of all, of what it is built from. */
  inputs: readonly number[];
  /** Files and folders that it is built from: name, and the hash in the store path. */
  sources: readonly (readonly [name: string, hash: string])[];
  marks: Marks;
}

/** The derivations of an image: those of its layers' targets, and all that these are built from. */
export interface KeptDerivations {
  derivations: readonly KeptDerivation[];
  /** Layer → places of its targets. */
  layers: ReadonlyMap<string, readonly number[]>;
}

/**
 * Reads what is kept of an image's derivations from the store, where evaluation has put them.
 * Rejects with a `Failure` that names a derivation that is missing or broken.
 *
 * @param layers the derivations of each layer's targets
 * @param place the folder in which the store's files are, where that is not the store's own name
 */
export async function keepDerivations(
  layers: ReadonlyMap<string, readonly string[]>,
  place?: string,
): Promise<KeptDerivations> {
  const graph = await readDerivations([...layers.values()].flat(), viewOf, place);
  const places = new Map([...graph.keys()].map((drvPath, at) => [drvPath, at]));
  const placesOf = (drvPaths: Iterable<string>) =>
    [...drvPaths].flatMap(drvPath => places.get(drvPath) ?? []);
  return {
    derivations: Array.from(graph, ([drvPath, node]) => ({
      name: nameOf(drvPath),
      id: idOf(drvPath, node),
      inputs: placesOf(node.inputDrvs.keys()),
      sources: node.inputSrcs.map(path => [nameOf(path), hashIn(path)] as const),
      marks: node.marks,
    })),
    layers: new Map([...layers].map(([name, drvPaths]) => [name, placesOf(drvPaths)])),
  };
}

function viewOf(derivation: Derivation, drvPath: string, keep: (text: string) => string) {
  const { outputs, inputDrvs, inputSrcs, system } = derivation;
  const marks = new Map<string, string>();
  for (const [name, mark] of marksOf(derivation, dirname(drvPath))) marks.set(keep(name), mark);
  return { outputs, inputDrvs, inputSrcs, system, marks };
}

const hashIn = (path: string) => /([0-9a-z]{32})-[^/]*$/.exec(path)?.[1] ?? '';

/** Of its outputs' paths, as far as they are known before the build; else of its own path. */
function idOf(drvPath: string, { outputs }: DerivationNode): string {
  const paths = [...outputs.values()];
  const identity = paths.includes('') ? [drvPath] : paths;
  return createHash('sha256').update(identity.join('\0')).digest('hex').slice(0, 12);
}
