import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectureOf, imageConfig, manifest } from '../../../src/image/config.ts';
import { blobKey, rootKey } from '../../../src/image/keys.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const parts = {
  config: {
    Env: ['B=1', 'A=2'],
    Labels: { z: '1', a: '2' },
    Cmd: ['/bin/x'],
    Volumes: { '/v': {} },
  },
  labels: { m: '3', a: 'over' },
  created: '1970-01-01T00:00:01Z',
  architecture: 'amd64',
  layers: [{ name: 'layer0-base', diffId: digest }],
};

test('an image config has fixed order, sorted maps and a history entry a blob', () => {
  assert.equal(
    imageConfig(parts).toString(),
    `{"created":"1970-01-01T00:00:01Z","architecture":"amd64","os":"linux",` +
      `"config":{"Env":["B=1","A=2"],"Cmd":["/bin/x"],"Volumes":{"/v":{}},` +
      `"Labels":{"a":"over","m":"3","z":"1"}},` +
      `"rootfs":{"type":"layers","diff_ids":["${digest}"]},` +
      `"history":[{"created":"1970-01-01T00:00:01Z","created_by":"comfy-nix layer0-base"}]}`,
  );
});

test('a manifest has sorted annotations, or none', () => {
  const config = { mediaType: 'c', digest, size: 1 };
  const bytes = manifest({ config, layers: [config], annotations: { b: '1', a: '2' } }).toString();
  assert.match(bytes, /"annotations":\{"a":"2","b":"1"\}\}$/);
  assert.doesNotMatch(manifest({ config, layers: [], annotations: {} }).toString(), /annotations/);
});

test('every map of a config is sorted, and its other fields come as they are', () => {
  const names = ['m', 'b', 'z', 'a', 'k', 'c', 'B', '9', 'y', 'd', 'x', 'é', 'l'];
  const sorted = [...names].sort();
  const map = Object.fromEntries(names.map(name => [`/${name}`, {}]));
  const labels = Object.fromEntries(names.map(name => [`l${name}`, name]));
  const config = {
    ...{ User: '1000', Entrypoint: ['e'], WorkingDir: '/w', StopSignal: 'SIGINT' },
    ...{ Volumes: map, ExposedPorts: map, Labels: labels },
  };
  const whole = { ...parts, config, labels: {}, layers: [...parts.layers, ...parts.layers] };
  const written = JSON.parse(imageConfig(whole).toString());
  const { Volumes, ExposedPorts, Labels, ...others } = written.config;
  for (const map of [Volumes, ExposedPorts]) {
    assert.deepEqual(
      Object.keys(map),
      sorted.map(name => `/${name}`),
    );
  }
  assert.deepEqual(
    Object.keys(Labels),
    sorted.map(name => `l${name}`),
  );
  const { User, Entrypoint, WorkingDir, StopSignal } = config;
  assert.deepEqual(others, { User, Entrypoint, WorkingDir, StopSignal });
  assert.equal(written.history.length, 2);
  const bare = JSON.parse(imageConfig({ ...parts, config: {}, labels: {} }).toString());
  assert.deepEqual(bare.config, {});
});

test('a descriptor of a manifest says what the spec has, its annotations sorted', () => {
  const layer = { mediaType: 'l', digest, size: 2, annotations: { c: '', b: '1', a: '2' } };
  const other = { mediaType: 'o', digest, size: 3, diffId: digest, key: 'k', paths: [] };
  const config = { mediaType: 'c', digest, size: 1 };
  const { layers, ...rest } = JSON.parse(manifest({ config, layers: [layer, other] }).toString());
  assert.deepEqual(rest, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
  });
  assert.deepEqual(layers[0], layer);
  assert.deepEqual(Object.keys(layers[0].annotations), ['a', 'b', 'c']);
  assert.deepEqual(layers[1], { mediaType: 'o', digest, size: 3 });
});

test('a system without an architecture is refused', () => {
  assert.equal(architectureOf('aarch64-linux'), 'arm64');
  assert.throws(() => architectureOf('x86_64-darwin'), /x86_64-darwin/);
});

test('keys depend on what is in a layer, not on its order', () => {
  assert.equal(
    blobKey(['/nix/store/b', '/nix/store/a']),
    blobKey(['/nix/store/a', '/nix/store/b']),
  );
  assert.notEqual(blobKey(['/nix/store/a']), blobKey(['/nix/store/b']));
  assert.match(blobKey([]), /^[0-9a-f]{64}$/);
  const tmp = { path: '/tmp', mode: '1777', uid: 0, gid: 0 };
  const var_ = { ...tmp, path: '/var' };
  assert.equal(
    rootKey({ roots: ['b', 'a', 'a'], directories: [var_, tmp] }),
    rootKey({ roots: ['a', 'b'], directories: [tmp, var_] }),
  );
  assert.notEqual(
    rootKey({ roots: ['a'], directories: [tmp] }),
    rootKey({ roots: ['a'], directories: [{ ...tmp, uid: 1 }] }),
  );
});
