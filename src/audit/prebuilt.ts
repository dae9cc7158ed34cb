import { type DerivationFacts, nameOf } from './facts.ts';
import { isNvidiaDownload, isProgramArchive } from './fetches.ts';
import { wheelOf } from './packages.ts';
import { type AuditSubject, fetchedInputs, kindOf, neededInputs } from './subject.ts';

/** What others have built: a wheel, a download of NVIDIA's, any other archive of programs. */
export type Prebuilt = 'wheel' | 'nvidia' | 'archive';

/**
 * What a derivation unpacks and patches, and does not compile; undefined for one that may compile. All
 * that it is made of are wheels and archives of programs then, or nixpkgs' autoPatchelfHook patches it
 * and no build system has a hand in it.
 *
 * @param isHeld whether the image has a download besides, so that it need not be what is unpacked
 */
export function prebuiltOf(
  drvPath: string,
  subject: AuditSubject,
  isHeld: (download: string) => boolean,
): Prebuilt | undefined {
  const facts = subject.graph.get(drvPath);
  if (facts === undefined || facts.fetch !== undefined) return undefined;
  const sources = sourcesOf(drvPath, subject);
  if (sources.length === 0 || sources.every(isHeld)) return undefined;
  const kinds = sources.map(source => kindOfDownload(source, subject));
  return kinds.includes(undefined) && !isPatchedAlone(facts) ? undefined : (kinds[0] ?? 'archive');
}

/** The downloads that a derivation is made of: its `src`, else all that it and folders that it is given fetch. */
function sourcesOf(target: string, { graph, provenance }: AuditSubject): string[] {
  const found = new Set<string>();
  const pending = new Set([target]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined) continue;
    const isGlue = kindOf(drvPath, facts, provenance) === 'glue';
    if (drvPath !== target && !isGlue) continue;
    const fetched = fetchedInputs(facts, graph);
    const named = fetched.filter(input => isNamed(graph.get(input), facts.sources));
    for (const input of named.length > 0 ? named : fetched) found.add(input);
    if (named.length === 0) for (const input of neededInputs(facts, graph)) pending.add(input);
  }
  return [...found];
}

const isNamed = (facts: DerivationFacts | undefined, paths: ReadonlySet<string>) =>
  [...(facts?.outputs.values() ?? [])].some(path => paths.has(path));

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
