import type { Closure } from '../nix/closures.ts';
import type { AuditedLayer, AuditSubject, LayerClosures } from './subject.ts';

/** A shipped layer, and the store paths that it holds and no known layer below it does. */
export interface LayerContent {
  layer: AuditedLayer;
  paths: Closure;
  /** All layers below it are known, so that none of `paths` is in one of them. */
  isSure: boolean;
}

/** What those layers hold whose closures are known, the lowest first. */
export function layerContents({ layers }: AuditSubject, closures: LayerClosures): LayerContent[] {
  const seen = new Set<string>();
  let isSure = true;
  return layers.flatMap((layer): LayerContent[] => {
    if (!layer.shipped) return [];
    const closure = closures.get(layer.name);
    if (closure === undefined) {
      isSure = false;
      return [];
    }
    const paths = closure.filter(({ path }) => !seen.has(path));
    for (const { path } of paths) seen.add(path);
    return [{ layer, paths, isSure }];
  });
}

/** Bytes of all the paths as NARs. */
export const sizeOf = (paths: Closure) => paths.reduce((sum, { narSize }) => sum + narSize, 0);

/** How findings tell bytes: "1234 MB". */
export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
