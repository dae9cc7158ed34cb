import type { Finding } from '../../record/audit.ts';
import { type Bump, heavy } from '../bump.ts';
import { megabytes, type Stack, sizeOf } from '../contents.ts';
import { type AuditedLayer, referencesLayer } from '../subject.ts';

/**
 * Layers of which a new nixpkgs leaves much alone, above one that it changes. A path that no derivation
 * makes counts as neither: it may be nixpkgs' own source. The top of the image is the place of what changes
 * more often than nixpkgs, the app: with what it brings it stands there rightly.
 */
export function wrongOrder({ layers, contents }: Stack, { moved, makers }: Bump): Finding[] {
  const isMoved = ({ shipped, contents: targets }: AuditedLayer) =>
    shipped && targets.some(drvPath => moved.has(drvPath));
  const isLeftAlone = (path: string) => {
    const maker = makers.get(path);
    return maker !== undefined && !moved.has(maker);
  };
  const top = layers.findLast(({ name, shipped }) => shipped && name !== referencesLayer);
  return contents.flatMap(({ layer, parts, isSure }) => {
    if (layer === top && isMoved(layer)) return [];
    const changed = layers.slice(0, layers.indexOf(layer)).find(isMoved);
    const size = sizeOf(parts.filter(({ paths }) => paths.every(isLeftAlone)));
    return changed && isSure && size > heavy ? [order(layer.name, size, changed.name)] : [];
  });
}

function order(layer: string, size: number, changed: string): Finding {
  return {
    rule: 'order',
    severity: 'warning',
    message: `${layer} holds ${megabytes(size)} that a new nixpkgs leaves alone, above ${changed}, which it changes.`,
    layer,
    cost: 'Hosts keep an unpacked layer by all that is below it: one that has the old image pulls these bytes again (Docker’s classic store) or unpacks them again (containerd’s store, podman) with each new nixpkgs.',
    advice:
      'Give fixed outputs (wheels, models) layers of their own and name these first, in the recipe’s layers or in streamLayeredImage’s layeringPipeline: they refer to nothing, so that they may lie at the bottom.',
  };
}
