import type {
  AuditedLayer,
  AuditSubject,
  LayerBlobs,
  LayerClosures,
  SizedPaths,
} from './subject.ts';

/** A shipped layer, and the store paths that it holds and no known layer below it does. */
export interface LayerContent {
  layer: AuditedLayer;
  parts: readonly SizedPaths[];
  /** All layers below it are known, so that nothing of it is in one of them. */
  isSure: boolean;
}

/** What those layers hold of which the closure or the blobs are known, the lowest first. */
export function layerContents(
  { layers }: AuditSubject,
  closures: LayerClosures,
  blobs: LayerBlobs,
): LayerContent[] {
  const seen = new Set<string>();
  let isSure = true;
  return layers.flatMap((layer): LayerContent[] => {
    if (!layer.shipped) return [];
    const closure = closures
      .get(layer.name)
      ?.map(({ path, narSize }) => ({ paths: [path], size: narSize }));
    const known = closure ?? blobs.get(layer.name);
    if (known === undefined) {
      isSure = false;
      return [];
    }
    const parts = known.filter(({ paths }) => !paths.every(path => seen.has(path)));
    for (const { paths } of parts) for (const path of paths) seen.add(path);
    return [{ layer, parts, isSure }];
  });
}

/** The layers as hosts unpack them, and what of them is known, the lowest first. */
export interface Stack {
  layers: readonly AuditedLayer[];
  contents: readonly LayerContent[];
}

/** An image that another tool makes is one layer to people; to hosts each of its blobs is one. */
export function stackOf(
  { layers, hasRecipe }: AuditSubject,
  contents: readonly LayerContent[],
  makers: ReadonlyMap<string, string>,
): Stack {
  if (hasRecipe) return { layers, contents };
  const blobs = contents.flatMap(({ layer, parts }) =>
    parts.map((part, at): LayerContent => {
      const made = part.paths.flatMap(path => makers.get(path) ?? []);
      const name = `layer ${at + 1} of ${layer.name}`;
      const blob = { name, shipped: true, drvPaths: made, contents: made };
      return { layer: blob, parts: [part], isSure: true };
    }),
  );
  return { layers: blobs.map(({ layer }) => layer), contents: blobs };
}

/** Bytes of all that is given. */
export const sizeOf = (parts: readonly SizedPaths[]) =>
  parts.reduce((sum, { size }) => sum + size, 0);

/** How findings tell bytes: "1234 MB". */
export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
