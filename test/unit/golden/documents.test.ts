// What an image and its memory say of themselves. A value here changes together with a format version
// and for no other reason (CONTRIBUTING, "Golden values").
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageConfig, manifest } from '../../../src/image/config.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { memoryFormat } from '../../../src/registry/memory-document.ts';
import { serializeMemory } from '../../../src/registry/memory-format.ts';
import type { KnownBlob, Memory } from '../../../src/registry/remembered.ts';
import { fixedPath, sha256 } from './fixed.ts';

const digest = (name: string) => `sha256:${sha256(name)}`;
const glibc = fixedPath('glibc-2.40');
const app = fixedPath('app-1.0');

const blob = (name: string, paths: readonly string[]): KnownBlob => ({
  key: sha256(`key of ${name}`),
  digest: digest(name),
  diffId: digest(`${name} unpacked`),
  size: 1000,
  uncompressedSize: 5000,
  mediaType: mediaTypes.layer.zstd,
  paths,
});

const memory: Memory = {
  images: [
    {
      digest: digest('image'),
      outputs: [
        { outPath: glibc, closure: [glibc], blobs: [blob('base', [glibc])] },
        {
          outPath: app,
          closure: [app, glibc],
          blobs: [{ ...blob('app', [app]), run: 'https://ci.example/1' }],
        },
      ],
      blobs: [blob('root', [])],
      roots: [{ outPath: app, tree: { bin: { app: 0 }, lib: 1, etc: [{ passwd: 0 }] } }],
    },
    {
      target: { outPath: app, variant: 'zstd' },
      outputs: [],
      blobs: [blob('base', [glibc])],
      roots: [],
    },
  ],
};

test('the memory document', () => {
  assert.equal(memoryFormat, 1);
  assert.equal(
    serializeMemory(memory),
    '{"format":1,"paths":["xyhyhz06f7b6l0siih569nprlq0cq494-glibc-2.40","iq5kzz1ygsyqrw48vzk6idymfi671jwl-app-1.0"],"blobs":[{"key":"5c128d2908e1a9f2a776b6b0e2e5080554ffb1410005711b2ce7f7f8eddd75b7","digest":"sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","diffId":"sha256:c10fd5147b8a642aad0baf895705f0dff93fc82e921f024a72b77c9fd421906f","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[0]},{"key":"2deef6052313a8f3a9421a99666ac8a9fa76f5ee92b83f1c158150a6cdd8abb3","digest":"sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333","diffId":"sha256:726292276f17faee38eb8619aa521fab569c4da67f5ad1484e1cbf555cf8d17f","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[1],"run":"https://ci.example/1"},{"key":"535a198c9f40ac6c86e6f83aa8ba7bbb45198526091d1ed9ef3cca0472e56155","digest":"sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2","diffId":"sha256:0c3de75a61703d9b486a391a6f6e64dcb810ae5d539622346022af0ee815f677","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[]}],"outputs":[{"path":0,"closure":[0],"blobs":[0]},{"path":1,"closure":[1,0],"blobs":[1]}],"roots":[{"path":1,"tree":{"bin":{"app":0},"lib":1,"etc":[{"passwd":0}]}}],"images":[{"digest":"sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d","outputs":[0,1],"blobs":[2],"roots":[0]},{"target":{"path":1,"variant":"zstd"},"outputs":[],"blobs":[0],"roots":[]}]}',
  );
});

test('the image config', () => {
  const bytes = imageConfig({
    config: {
      User: '1000:1000',
      ExposedPorts: { '8188/tcp': {}, '80/tcp': {} },
      Env: ['B=2', 'A=1'],
      Entrypoint: ['/bin/app'],
      Cmd: ['--listen'],
      Volumes: { '/data': {} },
      WorkingDir: '/app',
      Labels: { b: '2', a: '1' },
      StopSignal: 'SIGINT',
    },
    labels: { c: '3', a: 'wins' },
    created: '1970-01-01T00:00:01Z',
    architecture: 'amd64',
    layers: [
      { name: 'layer0-base', diffId: digest('base unpacked') },
      { name: 'layer6-app', diffId: digest('app unpacked') },
    ],
  });
  assert.equal(
    bytes.toString(),
    '{"created":"1970-01-01T00:00:01Z","architecture":"amd64","os":"linux","config":{"User":"1000:1000","ExposedPorts":{"80/tcp":{},"8188/tcp":{}},"Env":["B=2","A=1"],"Entrypoint":["/bin/app"],"Cmd":["--listen"],"Volumes":{"/data":{}},"WorkingDir":"/app","Labels":{"a":"wins","b":"2","c":"3"},"StopSignal":"SIGINT"},"rootfs":{"type":"layers","diff_ids":["sha256:c10fd5147b8a642aad0baf895705f0dff93fc82e921f024a72b77c9fd421906f","sha256:726292276f17faee38eb8619aa521fab569c4da67f5ad1484e1cbf555cf8d17f"]},"history":[{"created":"1970-01-01T00:00:01Z","created_by":"comfy-nix layer0-base"},{"created":"1970-01-01T00:00:01Z","created_by":"comfy-nix layer6-app"}]}',
  );
});

test('the manifest', () => {
  const bytes = manifest({
    config: { mediaType: mediaTypes.config, digest: digest('config'), size: 300 },
    layers: [
      { mediaType: mediaTypes.layer.zstd, digest: digest('base'), size: 1000 },
      {
        mediaType: mediaTypes.layer.gzip,
        digest: digest('app'),
        size: 1000,
        annotations: { b: '2', a: '1' },
      },
    ],
    annotations: { z: 'last', a: 'first' },
  });
  assert.equal(
    bytes.toString(),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910","size":300},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","digest":"sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","size":1000},{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333","size":1000,"annotations":{"a":"1","b":"2"}}],"annotations":{"a":"first","z":"last"}}',
  );
});
