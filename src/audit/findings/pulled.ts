import type { Finding } from '../../record/audit.ts';
import { type NameAndVersion, pulledImage } from '../fetches.ts';
import type { AuditSubject } from '../subject.ts';
import type { LayerOf } from './builds.ts';

/** Images of others in this one: the one that it is built on, and those that its derivations pull. */
export function pulledImages({ layers, near, graph }: AuditSubject, layerOf: LayerOf): Finding[] {
  const bases = layers.flatMap(({ name: layer, taken, drvPaths: [derivation] }) =>
    taken ? [{ image: taken, layer, derivation }] : [],
  );
  const known = new Set(bases.map(({ derivation }) => derivation));
  const others = [...near.keys()].flatMap(derivation => {
    const image = pulledImage(graph.get(derivation)?.fetch?.urls ?? []);
    if (image === undefined || known.has(derivation)) return [];
    return [{ image, layer: layerOf(derivation), derivation }];
  });
  return [...bases, ...others].map(pulled);
}

interface Pulled {
  image: NameAndVersion;
  layer: string;
  derivation: string | undefined;
}

const pulled = ({ image, layer, derivation }: Pulled): Finding => ({
  rule: 'pulled-image',
  severity: 'warning',
  message: `${image.name} is taken as others have made it: what is in it was not looked at.`,
  layer,
  ...(derivation === undefined ? {} : { derivation }),
  cost: 'Its packages, their versions and licences are in no table and in no lock; a registry that drops the digest takes the image with it, and what comes from Nix is there beside the same from elsewhere.',
  advice:
    'Take what is needed of it from nixpkgs (bash, coreutils, cacert, CUDA’s libraries) or as pinned wheels, and leave fromImage out.',
});
