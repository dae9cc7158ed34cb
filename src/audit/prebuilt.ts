import { nameOf } from '../nix/names.ts';
import type { DerivationFacts, FactGraph } from './facts.ts';
import { isNvidiaDownload, isProgramArchive } from './fetches.ts';
import { wheelOf } from './packages.ts';
import { type AuditSubject, fetchedInputs, inputsIn, kindOf, neededInputs } from './subject.ts';

/** What others have built: a wheel, a download of NVIDIA's, any other archive of programs. */
export type Prebuilt = 'wheel' | 'nvidia' | 'archive';

/**
 * What a derivation unpacks and patches, and does not compile; undefined for one that may compile. All
 * that it is made of are wheels and archives of programs then, or nixpkgs' autoPatchelfHook patches it
 * and no build system has a hand in it.
 *
 * @param isHeld whether the image has what an input unpacks: this is made by it then, and no copy of it
 */
export function prebuiltOf(
  drvPath: string,
  subject: AuditSubject,
  isHeld: (input: string) => boolean,
): Prebuilt | undefined {
  const facts = subject.graph.get(drvPath);
  if (facts === undefined || facts.fetch !== undefined) return undefined;
  const kinds = sourcesOf(drvPath, subject, isHeld).map(source => kindOfDownload(source, subject));
  if (kinds.length === 0) return undefined;
  if (kinds.includes(undefined)) return isPatchedAlone(facts) ? 'archive' : undefined;
  return kinds[0];
}

/** The downloads that a derivation is made of, also by way of scripts and folders of links. */
function sourcesOf(
  target: string,
  { graph, provenance }: AuditSubject,
  isHeld: (input: string) => boolean,
): string[] {
  const found: string[] = [];
  const pending = new Set([target]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined) continue;
    const kind = kindOf(drvPath, facts, provenance);
    if (kind === 'fetch') found.push(drvPath);
    else if (kind === 'glue' || drvPath === target) {
      for (const input of madeOf(facts, graph)) if (!isHeld(input)) pending.add(input);
    }
  }
  return found;
}

/** The inputs that its `src` names; where that names none, all that it fetches or may refer to. */
function madeOf(facts: DerivationFacts, graph: FactGraph): string[] {
  const named = inputsIn([...facts.sources].join(' '), facts, graph);
  if (named.length > 0) return named;
  return [...fetchedInputs(facts, graph), ...neededInputs(facts, graph)];
}

function kindOfDownload(drvPath: string, subject: AuditSubject): Prebuilt | undefined {
  if (wheelOf(drvPath, subject)) return 'wheel';
  const { fetch, name = '' } = subject.graph.get(drvPath) ?? {};
  const addresses = [...(fetch?.urls ?? []), name];
  if (!addresses.some(isProgramArchive)) return undefined;
  return addresses.some(isNvidiaDownload) ? 'nvidia' : 'archive';
}

const buildSystem =
  /^(?:cmake|meson|ninja|bazel|gnumake|cargo|rustc|go|gfortran|(?:python[\d.]+-)?(?:pypa-build|setuptools-build)-hook|.*cuda_nvcc)(?:[-.]|$)/;

/** It is patched so that it finds its libraries, and nothing compiles it. */
function isPatchedAlone({ inputDrvs }: DerivationFacts): boolean {
  const names = [...inputDrvs.keys()].map(nameOf);
  return (
    names.some(name => name.startsWith('auto-patchelf-hook')) &&
    !names.some(name => buildSystem.test(name))
  );
}
