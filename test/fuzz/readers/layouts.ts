import { findTag, parseIndex } from '../../../src/registry/layout-index.ts';
import { mutatedJson } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'ab'.repeat(32)}`,
  size: 500,
  annotations: { 'org.opencontainers.image.ref.name': 'cu130' },
};
const index = {
  schemaVersion: 2,
  manifests: [descriptor, { ...descriptor, annotations: undefined }],
};

export const readers = [
  fuzzed({
    name: 'the index of a layout that is written to',
    cases: mutatedJson(index),
    broken: [
      '{"schemaVersion":2,"manifests":[null]}',
      `{"schemaVersion":2,"manifests":[],"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    ],
    read(text) {
      const read = parseIndex(text, 'index.json');
      findTag(read, 'constructor');
      return JSON.stringify(read);
    },
  }),
];
