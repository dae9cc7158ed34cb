import { fieldsOf } from '../../host/foreign-value.ts';
import { manifest } from '../config.ts';
import { digestOf } from '../digest.ts';
import { type Descriptor, type Manifest, mediaTypes } from '../types.ts';
import { compressionOfMediaType, ociLayerType } from './layer-types.ts';
import type { StoredManifest } from './reader.ts';

/** An image's manifest in OCI's words, of the same blobs. Throws a `Failure` for layers that OCI has no word for. */
export function ociManifest(found: Manifest, name: string): StoredManifest {
  const config = { ...found.config, mediaType: mediaTypes.config };
  const layers = found.layers.map(layer => {
    const compression = compressionOfMediaType(layer.mediaType, name);
    return { ...layer, mediaType: ociLayerType(layer.mediaType, compression) };
  });
  const annotations = found.annotations ?? {};
  return stored(manifest({ config, layers, annotations }), mediaTypes.manifest);
}

/** An index in OCI's words whose entries lead to other manifests, one for one; all else that it says stays. */
export function ociIndex(bytes: Buffer, sent: readonly StoredManifest[]): StoredManifest {
  const index = fieldsOf(JSON.parse(bytes.toString()));
  const entries: unknown[] = Array.isArray(index.manifests) ? index.manifests : [];
  const manifests = entries.map((entry, at) => ({ ...fieldsOf(entry), ...describe(sent[at]) }));
  return indexOf({ ...index, manifests });
}

/** An index of OCI with these fields. */
export function indexOf(fields: { manifests: readonly object[] }): StoredManifest {
  const value = { schemaVersion: 2, ...fields, mediaType: mediaTypes.index };
  return stored(Buffer.from(JSON.stringify(value)), mediaTypes.index);
}

const describe = (sent: StoredManifest | undefined): Descriptor | undefined =>
  sent && { mediaType: sent.mediaType, digest: sent.digest, size: sent.bytes.length };

const stored = (bytes: Buffer, mediaType: string): StoredManifest => ({
  bytes,
  mediaType,
  digest: digestOf(bytes),
});
