import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { entriesBlobSource, packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { decompress } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { compressionOfMediaType } from '../oci/layer-types.ts';
import { fileEntry, type StorePlace, sortedNames } from '../store-tree.ts';
import { type ByteString, goDialect, type TarEntry, toByteString, toText } from '../tar-header.ts';
import { fileBytes, readDocument } from './file-bytes.ts';
import { type DescribedLayer, type LayerPath, readNix2container } from './nix2container-json.ts';
import type { SourceFiles } from './source-files.ts';
import {
  checkedSource,
  checkLayerCount,
  fixedConfig,
  malformed,
  type SourceImage,
  type SourceLayer,
} from './source-image.ts';

/** An image that nix2container describes (types.go of that project, version 1 of its format). */
export async function nix2container(files: SourceFiles, packing: Packing): Promise<SourceImage> {
  const file = files.named;
  const image = await readNix2container((await readDocument(files, file)).toString(), file);
  checkLayerCount(image.layers.length, {
    ...{ name: file, field: 'layers' },
    next: 'Lower maxLayers of buildImage and buildLayer, or give the image fewer layers.',
  });
  const layers: SourceLayer[] = [];
  for (const [at, described] of image.layers.entries()) {
    const name = `layer ${at + 1} of ${file}`;
    layers.push(await layerOf(described, name, files, packing));
  }
  const diffIds = image.layers.map(({ diffId }) => diffId);
  const config = {
    ...(image.created === undefined ? {} : { created: image.created }),
    architecture: image.architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: image.layers.map(({ history }) => history),
  };
  return {
    description: `nix2container image ${file}`,
    layers,
    config: fixedConfig(Buffer.from(JSON.stringify(config)), diffIds, file),
    repoTags: [],
    sequential: false,
    close: async () => undefined,
  };
}

async function layerOf(
  { diffId, mediaType, file, paths }: DescribedLayer,
  name: string,
  files: SourceFiles,
  packing: Packing,
): Promise<SourceLayer> {
  const compression = compressionOfMediaType(mediaType, name);
  const storePaths = paths.map(({ path }) => path);
  if (file !== undefined) {
    await (await files.open(file)).handle.close();
    const open = () => bytesOf(decompress(fileBytes(files, file), compression, file));
    const source = checkedSource(packedBlobSource(open, packing, { diffId }), name);
    return { name, source, storePaths };
  }
  const places = await files.storePlaces(storePaths);
  const trees = places.map((place, at) => ({ ...paths[at], ...place }) as PlacedPath);
  const blob = entriesBlobSource(() => mergedEntries(trees, name), packing, goDialect, { diffId });
  return { name, source: checkedSource(blob, name), storePaths };
}

/** A path of a layer, and where its files are. */
type PlacedPath = LayerPath & StorePlace;

/**
 * A file of the layer by its place in the tar; without an entry: a folder that only leads there.
 */
interface Node {
  entry?: TarEntry;
  /** The same as the store has it. */
  stored?: TarEntry;
  children: Map<ByteString, Node>;
}

/** All files of the paths at the places that their rewrites give them, merged and sorted. */
function* mergedEntries(paths: readonly PlacedPath[], layer: string): Generator<TarEntry> {
  const root: Node = { children: new Map() };
  for (const path of paths) {
    addTree(root, toByteString(path.path), toByteString(path.place), path, layer);
  }
  yield* nodeEntries('', root);
}

/** Adds a file, which is called `path` and is at `file`, with all that is in it. */
function addTree(
  root: Node,
  path: ByteString,
  file: ByteString,
  options: LayerPath,
  layer: string,
): void {
  const destination = options.rewrite(path);
  if (destination.length > limits.archiveName) {
    throw malformed(layer, `a name in it has more than ${limits.archiveName} bytes`);
  }
  if (destination !== '' && options.ignores(destination)) return;
  const entry = fileEntry(file, goDialect);
  // what a rewrite makes empty has no place of its own, but what is in it has
  if (destination !== '') {
    place(root, destination, { stored: entry, entry: withPermissions(entry, path, options) });
  }
  if (entry.type !== 'directory') return;
  for (const name of sortedNames(file)) {
    addTree(root, `${path}/${name}`, `${file}/${name}`, options, layer);
  }
}

/**
 * Of two paths that bring one file nix2container takes that of the later one, where both are of one kind
 * and mode, and of one size if they are files: links may lead elsewhere.
 */
function place(
  root: Node,
  destination: ByteString,
  { stored, entry }: Record<'stored' | 'entry', TarEntry>,
) {
  let node = root;
  for (const part of destinationParts(destination)) {
    const next = node.children.get(part) ?? { children: new Map() };
    node.children.set(part, next);
    node = next;
  }
  const other = node.stored;
  if (other && !mayReplace(stored, other)) {
    throw new Failure(`${visible(toText(destination))} comes from two different files.`, {
      evidence: [other, stored].map(({ source }) =>
        visible(toText(source?.path ?? 'a folder or link')),
      ),
      next: 'Take one of them out of the layer.',
    });
  }
  node.stored = stored;
  node.entry = entry;
}

const mayReplace = (later: TarEntry, other: TarEntry) =>
  later.type === other.type && later.size === other.size && later.mode === other.mode;

/** An absolute path has an empty part first, which becomes the entry "/". */
function destinationParts(destination: ByteString): ByteString[] {
  const parts = destination.split('/').filter(part => part !== '' && part !== '.');
  return destination.startsWith('/') ? ['', ...parts] : parts;
}

function withPermissions(entry: TarEntry, file: ByteString, options: LayerPath): TarEntry {
  let result = entry;
  for (const permission of options.permissions) {
    if (!permission.matches(file)) continue;
    result = {
      ...result,
      uid: permission.uid,
      gid: permission.gid,
      mode: (permission.mode ?? result.mode) | permission.orMode,
      ...(permission.uname === '' ? {} : { uname: permission.uname }),
      ...(permission.gname === '' ? {} : { gname: permission.gname }),
    };
  }
  return result;
}

function* nodeEntries(folder: ByteString, node: Node): Generator<TarEntry> {
  for (const name of [...node.children.keys()].sort()) {
    const child: Node = node.children.get(name) ?? { children: new Map() };
    const path =
      name === '' ? '/' : folder === '' ? name : folder === '/' ? `/${name}` : `${folder}/${name}`;
    yield { ...(child.entry ?? { type: 'directory', mode: 0o755, size: 0 }), path };
    yield* nodeEntries(path, child);
  }
}
