import fc from 'fast-check';
import { jsonExcess } from '../../../src/host/json-size.ts';
import { visible } from '../../../src/host/visible.ts';
import { chooseManifest, linuxOn } from '../../../src/image/oci/choose.ts';
import { readLayoutIndex, readManifestOrIndex } from '../../../src/image/oci/documents.ts';
import { compressionOfMediaType } from '../../../src/image/oci/layer-types.ts';
import {
  findLayeredConf,
  readLayeredConf,
  readMoment,
} from '../../../src/image/sources/layered-conf.ts';
import { readNix2container } from '../../../src/image/sources/nix2container-json.ts';
import { diffIdsOf, parseJson } from '../../../src/image/sources/source-image.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { placeOfStore } from '../../../src/nix/store-place.ts';
import { sha256, smallConfig, smallLayer } from '../../tools/small-image.ts';
import { mutatedJson, mutatedText } from '../mutations.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const descriptor = (mediaType: string) => ({
  mediaType,
  digest: sha256(smallLayer),
  size: smallLayer.length,
});
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor(mediaTypes.config),
  layers: [descriptor(mediaTypes.layer.zstd), descriptor(mediaTypes.layer.none)],
};
const index = {
  schemaVersion: 2,
  manifests: [
    {
      ...descriptor(mediaTypes.manifest),
      platform: { architecture: 'amd64', os: 'linux' },
      annotations: { 'org.opencontainers.image.ref.name': 'x' },
    },
    { ...descriptor(mediaTypes.index), platform: { architecture: 'arm64', os: 'linux' } },
  ],
};

const storePath = `/nix/store/${'0'.repeat(32)}-x`;
const nix2container = {
  version: 1,
  'image-config': { Cmd: ['x'] },
  arch: 'amd64',
  created: '2024-01-01T00:00:00Z',
  layers: [
    {
      digest: sha256(smallLayer),
      diff_ids: sha256(smallLayer),
      mediatype: mediaTypes.layer.none,
      paths: [
        {
          path: storePath,
          options: {
            rewrite: { regex: `^${storePath}(/[a-z]+)`, repl: '/x$1' },
            ignoreDestination: 'share/(doc|man)$',
            perms: [
              { regex: '.*/bin/.*', mode: '0755', uid: 1000, gid: 100, uname: 'u', gname: 'g' },
            ],
          },
        },
      ],
      History: { created_by: 'nix' },
    },
  ],
};

const conf = {
  architecture: 'amd64',
  config: { Env: ['A=1'], ExposedPorts: { '80': {} } },
  created: '2024-02-03T04:05:06+00:00',
  customisation_layer: storePath,
  from_image: null,
  gid: '1000',
  gname: 'users',
  mtime: 'now',
  repo_tag: 'test:latest',
  store_dir: '/nix/store',
  store_layers: [[storePath], [storePath, storePath]],
  uid: 0,
  uname: 'user',
};
const script = `#!/bin/sh\nexec python3 ${storePath}/bin/stream "${storePath}-conf.json" "$@"\n`;

export const readers: FuzzedReader[] = [
  fuzzed({
    name: "an OCI layout's index",
    cases: mutatedJson(index),
    read: text =>
      chooseManifest(readLayoutIndex(Buffer.from(text), 'index').manifests, linuxOn('amd64')),
  }),
  fuzzed({
    name: 'an OCI manifest and its layers',
    cases: fc.oneof(mutatedJson(manifest, index), mutatedText(JSON.stringify(manifest))),
    read(text) {
      const found = readManifestOrIndex(Buffer.from(text), 'manifest');
      if ('manifests' in found) return found;
      return found.layers.map(({ mediaType }) => compressionOfMediaType(mediaType, 'layer'));
    },
  }),
  fuzzed({
    name: 'an image config',
    cases: mutatedJson(smallConfig()),
    read: text => diffIdsOf(parseJson(text, 'config'), 'config'),
  }),
  fuzzed({
    name: 'JSON of nix2container',
    cases: mutatedJson(nix2container),
    async read(text) {
      const { layers } = await readNix2container(text, 'image');
      for (const { paths } of layers) {
        for (const { path, rewrite, ignores, permissions } of paths) {
          const destination = rewrite(`${path}/share/doc`);
          ignores(destination);
          for (const { matches } of permissions) matches(path);
        }
      }
    },
  }),
  fuzzed({
    name: 'conf.json of a streamLayeredImage',
    cases: mutatedJson(conf),
    async read(text) {
      const { created } = readLayeredConf(text, 'conf');
      return readMoment(created, async () => 0, 'conf');
    },
  }),
  fuzzed({
    name: 'the script of a streamLayeredImage',
    cases: mutatedText(script, `${storePath}-conf.json${'0'.repeat(32)}-`.repeat(20)),
    read: findLayeredConf,
    broken: [
      '/'.repeat(200_000),
      `/${'0'.repeat(32)}-`.repeat(7_000),
      '/a-conf.json'.repeat(20_000),
    ],
  }),
  fuzzed({
    name: 'how much JSON there is, and text for a message',
    cases: mutatedText(JSON.stringify(conf)),
    read: text => [jsonExcess(text), visible(text)],
  }),
  fuzzed({
    name: "Nix's setting `store`",
    cases: mutatedText('local?root=/x', 'local:///tmp/x?log=/l', 'daemon', '/x', 'local?real=/s'),
    broken: ['local:///a%zz', '?root=%'],
    read: text => placeOfStore(text, '/nix/store'),
  }),
];
