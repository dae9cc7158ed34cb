import { nameOf } from '../../nix/names.ts';
import type { Finding } from '../../record/audit.ts';
import { type Bump, heavy } from '../bump.ts';
import { type LayerContent, megabytes, sizeOf } from '../contents.ts';
import { type Prebuilt, prebuiltOf } from '../prebuilt.ts';
import type { AuditSubject, SizedPaths } from '../subject.ts';

/** Large paths that a new nixpkgs makes anew, though nothing compiles them: only paths in them change. */
export function bumpFragile(
  subject: AuditSubject,
  contents: readonly LayerContent[],
  { moved, makers }: Bump,
): Finding[] {
  const held = heldPaths(subject, contents);
  const isHeld = (input: string) => {
    const { fetch, outputs } = subject.graph.get(input) ?? {};
    const size = held.get(outputs?.get('out') ?? '');
    return fetch ? fetch.isUnpacked && size !== undefined : size !== undefined && size > links;
  };
  const kindOfPath = (path: string) => {
    const maker = makers.get(path);
    return maker && moved.has(maker) ? prebuiltOf(maker, subject, isHeld) : undefined;
  };
  return contents.flatMap(({ layer, parts }) => {
    const large = parts.filter(({ paths, size }) => paths.length === 1 && size > heavy);
    const groups = Map.groupBy(large, ({ paths }) => kindOfPath(paths[0] ?? ''));
    return [...groups].flatMap(([kind, some]) =>
      kind === undefined ? [] : [fragile(kind, some, layer.name)],
    );
  });
}

/** A folder of links has at most so many bytes; what has more is no folder of links. */
const links = 1e6;

/**
 * Path → size of what is known to be in the image, at most: of a path that shares a blob, the blob's. Targets
 * of layers of which nothing is known have none.
 */
function heldPaths({ layers, graph }: AuditSubject, contents: readonly LayerContent[]) {
  const targets = layers.flatMap(layer => (layer.shipped ? layer.contents : []));
  const unsized = targets.flatMap(drvPath => [...(graph.get(drvPath)?.outputs.values() ?? [])]);
  const parts = contents.flatMap(content => content.parts);
  return new Map([
    ...unsized.map(path => [path, 0] as const),
    ...parts.flatMap(({ paths, size }) => paths.map(path => [path, size] as const)),
  ]);
}

/** How to take it as a fixed output. */
const advice: Readonly<Record<Prebuilt, string>> = {
  wheel:
    'Take each wheel as one fixed output that is fetched and unpacked in one step and not patched (comfy-nix prefetch --unpacked writes its hash), name it among the targets of a layer, and let folders of the recipe merge them: the template "layered" shows how.',
  nvidia:
    'Take CUDA’s libraries from NVIDIA’s wheels (nvidia-cublas, nvidia-cudnn-cu13 …), each as one fixed output that is unpacked and not patched, as targets of a layer: PyTorch’s wheels find them by themselves. nixpkgs’ CUDA is for what has to be compiled, and need not be in the image.',
  archive:
    'Fetch and unpack it in one fixed-output derivation (fetchzip), unpatched, as a target of a layer, and tell it where its libraries are by config.Env (LD_LIBRARY_PATH) or a small script that starts it.',
};

/** The names that a finding tells at most. */
const shown = 5;

function fragile(kind: Prebuilt, paths: readonly SizedPaths[], layer: string): Finding {
  const bySize = [...paths].sort((one, other) => other.size - one.size);
  const names = bySize
    .slice(0, shown)
    .map(each => `${nameOf(each.paths[0] ?? '')} (${megabytes(each.size)})`);
  const more = paths.length > shown ? ` and ${paths.length - shown} more` : '';
  return {
    rule: 'bump-fragile',
    severity: 'warning',
    message: `${layer} holds ${megabytes(sizeOf(paths))} that each new nixpkgs moves, though only store paths in it change: ${names.join(', ')}${more}.`,
    layer,
    cost: 'With each new nixpkgs it has another store path: it is built or fetched, sent, stored and pulled again as a whole.',
    advice: advice[kind],
  };
}
