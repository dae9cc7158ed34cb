import type { BuildRecord, LayerRecord } from '../record/types.ts';

/** A derivation that was built, and for which layer. */
export type LayerBuild = LayerRecord['builtDerivations'][number] & { layer: string };

/** What was built, the longest first. */
export function slowestBuilds({ layers }: BuildRecord): LayerBuild[] {
  return layers
    .flatMap(({ name, builtDerivations }) =>
      builtDerivations.map(build => ({ ...build, layer: name })),
    )
    .sort((one, other) => other.seconds - one.seconds);
}
