import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { nixDialect, padding, tarHeader, toByteString } from '../../src/image/tar-header.ts';
import { mediaTypes } from '../../src/image/types.ts';

export const sha256 = (bytes: Buffer | string) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A tar's member: a file with its content, or a link with its target. */
export type SmallMember = readonly [name: string, content: Buffer | string | { link: string }];

/** A tar of these members, in their order. */
export function tarOf(members: readonly SmallMember[]): Buffer {
  const parts = members.flatMap(([name, content]) => {
    const path = toByteString(name);
    if (typeof content === 'object' && 'link' in content) {
      const target = toByteString(content.link);
      const link = { type: 'symlink', path, target, mode: 0o777, size: 0 } as const;
      return [tarHeader(link, nixDialect)];
    }
    const bytes = Buffer.from(content);
    const file = { type: 'file', path, mode: 0o644, size: bytes.length } as const;
    return [tarHeader(file, nixDialect), bytes, Buffer.alloc(padding(bytes.length))];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export const smallLayer = tarOf([['a', 'hello']]);

/** An image config with these layers. */
export const smallConfig = (layers: readonly Buffer[] = [smallLayer]) => ({
  architecture: 'amd64',
  os: 'linux',
  config: { Env: ['A=1'] },
  rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
});

export const smallManifest = [{ Config: 'c.json', RepoTags: ['x:y'], Layers: ['l.tar'] }];

/** A docker archive of one layer, with other documents where they are given. */
export function smallArchive(
  documents: { manifest?: string; config?: string } = {},
  more: readonly SmallMember[] = [],
): Buffer {
  const { manifest = JSON.stringify(smallManifest), config = JSON.stringify(smallConfig()) } =
    documents;
  return tarOf([['c.json', config], ['l.tar', smallLayer], ...more, ['manifest.json', manifest]]);
}

/** An OCI layout that is being written. */
export interface SmallLayout {
  folder: string;
  /** Writes a blob; gives its descriptor. */
  put(
    bytes: Buffer | string,
    mediaType: string,
  ): { mediaType: string; digest: string; size: number };
  /** Writes index.json. */
  index(manifests: readonly unknown[]): void;
}

export function startLayout(folder: string): SmallLayout {
  mkdirSync(`${folder}/blobs/sha256`, { recursive: true });
  writeFileSync(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  return {
    folder,
    put: (bytes, mediaType) => {
      const digest = sha256(bytes);
      writeFileSync(`${folder}/blobs/${digest.replace(':', '/')}`, bytes);
      return { mediaType, digest, size: Buffer.byteLength(bytes) };
    },
    index: manifests => {
      const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
      writeFileSync(`${folder}/index.json`, JSON.stringify(index));
    },
  };
}

/** A layout of one image with these layers, uncompressed; gives the manifest's descriptor. */
export function fillLayout(layout: SmallLayout, layers: readonly Buffer[] = [smallLayer]) {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: layout.put(JSON.stringify(smallConfig(layers)), mediaTypes.config),
    layers: layers.map(layer => layout.put(layer, mediaTypes.layer.none)),
  };
  const descriptor = layout.put(JSON.stringify(manifest), mediaTypes.manifest);
  layout.index([descriptor]);
  return { manifest, descriptor };
}
