import { recordFromJson } from '../../../src/record/json.ts';
import { findTag, parseIndex } from '../../../src/registry/layout-index.ts';
import { sampleRecord } from '../../unit/record/sample.ts';
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
    name: 'the record of a run',
    cases: mutatedJson(sampleRecord()),
    // a value was quoted in the error by a function that calls itself for each level
    broken: [`{"version":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    read: text => recordFromJson(text, 'record.json'),
  }),
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
