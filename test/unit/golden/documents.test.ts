// What an image and its memory say of themselves. A value here changes together with a format version
// and for no other reason (CONTRIBUTING, "Golden values").
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageConfig, manifest } from '../../../src/image/config.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { memoryFormat } from '../../../src/registry/memory/document.ts';
import { serializeMemory } from '../../../src/registry/memory/serialize.ts';
import type { KnownBlob, Memory } from '../../../src/registry/remembered.ts';
import { rememberedOutput } from '../../tools/remembered.ts';
import { fixedPath, sha256 } from './fixed.ts';

const digest = (name: string) => `sha256:${sha256(name)}`;
const glibc = fixedPath('glibc-2.40');
const app = fixedPath('app-1.0');

const temporary = { path: '/tmp', mode: '1777', uid: 0, gid: 0 };

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
        rememberedOutput(glibc, [], [blob('base', [glibc])]),
        rememberedOutput(app, [glibc], [{ ...blob('app', [app]), run: 'https://ci.example/1' }]),
      ],
      ...{ commit: sha256('commit'), dir: 'images', attribute: 'comfyui', tree: sha256('tree') },
      ...{ withoutCommit: true, system: 'x86_64-linux', nix: '2.34.8', locked: true },
      ...{ settings: { compression: 'zstd' }, variant: 'cu130', branch: 'main', event: 'push' },
      tested: 'no',
      blobs: [
        { ...blob('root', []), kind: 'root', roots: [app], directories: [temporary] },
        { ...blob('other', []), key: digest('other unpacked') },
      ],
      roots: [{ outPath: app, tree: { bin: { app: 0 }, lib: 1, etc: [{ passwd: 0 }] } }],
    },
    {
      target: { outPath: app, variant: 'zstd' },
      outputs: [],
      blobs: [blob('base', [glibc])],
      roots: [],
    },
  ],
  records: [
    {
      mediaType: 'application/vnd.comfy-nix.record.v1+json+zstd',
      digest: digest('record'),
      size: 500,
      diffId: digest('record unpacked'),
      run: 'https://ci.example/1',
    },
  ],
};

test('the memory document', () => {
  assert.equal(memoryFormat, 2);
  assert.equal(
    serializeMemory(memory).toString(),
    '{"format":2,"paths":[{"path":"xyhyhz06f7b6l0siih569nprlq0cq494-glibc-2.40","references":[]},{"path":"iq5kzz1ygsyqrw48vzk6idymfi671jwl-app-1.0","references":[0]}],"blobs":[{"kind":"store","key":"5c128d2908e1a9f2a776b6b0e2e5080554ffb1410005711b2ce7f7f8eddd75b7","digest":"sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","diffId":"sha256:c10fd5147b8a642aad0baf895705f0dff93fc82e921f024a72b77c9fd421906f","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[0]},{"kind":"store","key":"2deef6052313a8f3a9421a99666ac8a9fa76f5ee92b83f1c158150a6cdd8abb3","digest":"sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333","diffId":"sha256:726292276f17faee38eb8619aa521fab569c4da67f5ad1484e1cbf555cf8d17f","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[1],"run":"https://ci.example/1"},{"kind":"root","key":"535a198c9f40ac6c86e6f83aa8ba7bbb45198526091d1ed9ef3cca0472e56155","digest":"sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2","diffId":"sha256:0c3de75a61703d9b486a391a6f6e64dcb810ae5d539622346022af0ee815f677","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[],"roots":[1],"directories":[{"path":"/tmp","mode":"1777","uid":0,"gid":0}]},{"kind":"content","key":"sha256:d9477e01b9cb161ddeda7bfc969a59debb24501042a3602832536864e71683cd","digest":"sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa","diffId":"sha256:d9477e01b9cb161ddeda7bfc969a59debb24501042a3602832536864e71683cd","size":1000,"uncompressedSize":5000,"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","paths":[]}],"outputs":[{"path":0,"blobs":[0]},{"path":1,"blobs":[1]}],"roots":[{"path":1,"tree":{"bin":{"app":0},"lib":1,"etc":[{"passwd":0}]}}],"images":[{"digest":"sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d","commit":"9505cacb7c710ed17125fcc6cb3669e8ddca6c8cd8af6a31f6b3cd64604c3098","dir":"images","attribute":"comfyui","tree":"dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622","withoutCommit":true,"system":"x86_64-linux","nix":"2.34.8","locked":true,"settings":{"compression":"zstd"},"variant":"cu130","branch":"main","event":"push","tested":"no","outputs":[0,1],"blobs":[2,3],"roots":[0]},{"target":{"path":1,"variant":"zstd"},"outputs":[],"blobs":[0],"roots":[]}],"records":[{"mediaType":"application/vnd.comfy-nix.record.v1+json+zstd","digest":"sha256:70ce871f8a3d3fb449bc3c3ace6547cef02dfc74ffe48d912532a724bfdbe5b9","size":500,"diffId":"sha256:842ae108ebc451d7d470ae93cb26308a1b0c51ac5344ddb4e7dde624579c7c4f","run":"https://ci.example/1"}]}',
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
