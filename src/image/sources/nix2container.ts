import { Failure } from '../../host/failure.ts';
import { entriesBlobSource, packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { decompress } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { fileEntry, sortedNames } from '../store-tree.ts';
import { type ByteString, goDialect, type TarEntry, toByteString, toText } from '../tar-header.ts';
import { fileBytes, readSmallFile } from './file-bytes.ts';
import { compressionOfMediaType } from './oci-layout.ts';
import {
  checkedSource,
  fixedConfig,
  isDigest,
  isRecord,
  malformed,
  parseJson,
  type SourceImage,
  type SourceLayer,
} from './source-image.ts';

interface Permission {
  regex: RegExp;
  mode: number | undefined;
  /** Added to the mode. */
  orMode: number;
  uid: number;
  gid: number;
  uname: string;
  gname: string;
}

interface LayerPath {
  path: string;
  rewrite: { regex: RegExp; replacement: string } | undefined;
  /** What its destination matches is left out. */
  ignore: RegExp | undefined;
  permissions: readonly Permission[];
}

/** An image that nix2container describes (types.go of that project, version 1 of its format). */
export async function nix2container(file: string, packing: Packing): Promise<SourceImage> {
  const image = parseJson((await readSmallFile(file)).toString(), file);
  if (!isRecord(image) || !Array.isArray(image.layers) || !isRecord(image['image-config'])) {
    throw malformed(file, 'it has no layers or no image-config');
  }
  const described = image.layers.map((layer: unknown, index) =>
    describedLayer(layer, `layer ${index + 1} of ${file}`, packing),
  );
  const diffIds = described.map(({ layer }) => layer.source.diffId ?? '');
  const created = typeof image.created === 'string' ? { created: image.created } : {};
  const config = {
    ...created,
    architecture: typeof image.arch === 'string' ? image.arch : 'amd64',
    os: 'linux',
    config: image['image-config'],
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: described.map(({ history }) => history),
  };
  return {
    description: `nix2container image ${file}`,
    layers: described.map(({ layer }) => layer),
    config: fixedConfig(Buffer.from(JSON.stringify(config)), diffIds, file),
    repoTags: [],
    sequential: false,
    close: async () => undefined,
  };
}

function describedLayer(value: unknown, name: string, packing: Packing) {
  if (!isRecord(value)) throw malformed(name, 'it is no object');
  const diffId = value.diff_ids;
  if (typeof diffId !== 'string' || !isDigest(diffId)) throw malformed(name, 'it has no diff_ids');
  const file = value['layer-path'];
  const paths = Array.isArray(value.paths) ? value.paths.map(path => layerPath(path, name)) : [];
  if (typeof file !== 'string' && paths.length === 0) {
    throw malformed(name, 'it has neither paths nor a layer-path');
  }
  const mediaType = typeof value.mediatype === 'string' ? value.mediatype : '';
  const compression = compressionOfMediaType(mediaType, name);
  const stated = { diffId };
  const blob =
    typeof file === 'string' && file !== ''
      ? packedBlobSource(
          () => bytesOf(decompress(fileBytes(file), compression, file)),
          packing,
          stated,
        )
      : entriesBlobSource(() => mergedEntries(paths), packing, goDialect, stated);
  const layer: SourceLayer = {
    name,
    source: checkedSource(blob, name),
    storePaths: paths.map(({ path }) => path),
  };
  const history = isRecord(value.History) ? value.History : { created_by: 'nix2container' };
  return { layer, history };
}

function layerPath(value: unknown, name: string): LayerPath {
  if (!isRecord(value) || typeof value.path !== 'string') {
    throw malformed(name, 'one of its paths has no path');
  }
  const options = isRecord(value.options) ? value.options : {};
  const rewrite = isRecord(options.rewrite) ? options.rewrite : {};
  const perms = Array.isArray(options.perms) ? options.perms.filter(isRecord) : [];
  const rewrites = typeof rewrite.regex === 'string' && rewrite.regex !== '';
  return {
    path: value.path,
    rewrite: rewrites
      ? {
          regex: expression(String(rewrite.regex), name, 'g'),
          // Go's ${1} is JavaScript's $1
          replacement: String(rewrite.repl ?? '').replace(/\$\{(\d+)\}/g, '$$$1'),
        }
      : undefined,
    ignore:
      typeof options.ignoreDestination === 'string' && options.ignoreDestination !== ''
        ? expression(options.ignoreDestination, name)
        : undefined,
    permissions: perms.map(permission => parsePermission(permission, name)),
  };
}

function parsePermission(value: Record<string, unknown>, name: string): Permission {
  const text = (key: string) => (typeof value[key] === 'string' ? value[key] : '');
  const number = (key: string) => (typeof value[key] === 'number' ? value[key] : 0);
  return {
    regex: expression(text('regex'), name),
    mode: text('mode') === '' ? undefined : Number.parseInt(text('mode'), 8),
    orMode: Number.parseInt(text('orMode') || '0', 8),
    uid: number('uid'),
    gid: number('gid'),
    uname: text('uname'),
    gname: text('gname'),
  };
}

function expression(source: string, name: string, flags = ''): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw malformed(name, `its expression ${source} is not understood (${error})`);
  }
}

/**
 * A file of the layer by its place in the tar; without an entry: a folder that only leads there.
 */
interface Node {
  entry?: TarEntry;
  children: Map<ByteString, Node>;
}

/** All files of the paths at the places that their rewrites give them, merged and sorted. */
function* mergedEntries(paths: readonly LayerPath[]): Generator<TarEntry> {
  const root: Node = { children: new Map() };
  for (const path of paths) addTree(root, toByteString(path.path), path);
  yield* nodeEntries('', root);
}

function addTree(root: Node, file: ByteString, path: LayerPath) {
  const destination = path.rewrite
    ? file.replace(path.rewrite.regex, path.rewrite.replacement)
    : file;
  if (destination !== '' && path.ignore?.test(destination)) return;
  const entry = fileEntry(file, goDialect);
  // what a rewrite makes empty has no place of its own, but what is in it has
  if (destination !== '') place(root, destination, withPermissions(entry, file, path));
  if (entry.type !== 'directory') return;
  for (const name of sortedNames(file)) addTree(root, `${file}/${name}`, path);
}

function place(root: Node, destination: ByteString, entry: TarEntry) {
  let node = root;
  for (const part of destinationParts(destination)) {
    const next = node.children.get(part) ?? { children: new Map() };
    node.children.set(part, next);
    node = next;
  }
  const other = node.entry;
  if (other && !sameFile(other, entry)) {
    throw new Failure(`${toText(destination)} comes from two different files.`, {
      evidence: [other, entry].map(({ source }) => toText(source?.path ?? 'a folder or link')),
      next: 'Take one of them out of the layer.',
    });
  }
  node.entry = entry;
}

const sameFile = (a: TarEntry, b: TarEntry) =>
  a.type === b.type && a.size === b.size && a.mode === b.mode && a.target === b.target;

/** An absolute path has an empty part first, which becomes the entry "/". */
function destinationParts(destination: ByteString): ByteString[] {
  const parts = destination.split('/').filter(part => part !== '' && part !== '.');
  return destination.startsWith('/') ? ['', ...parts] : parts;
}

function withPermissions(entry: TarEntry, file: ByteString, path: LayerPath): TarEntry {
  let result = entry;
  for (const permission of path.permissions) {
    if (!permission.regex.test(file)) continue;
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
