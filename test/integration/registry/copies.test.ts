import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copy } from '../../../src/commands/copy.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { CopySettings } from '../../../src/inputs/settings.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistry } from '../../tools/registry.ts';
import { fillLayout, smallLayer, startLayout } from '../../tools/small-image.ts';

const copied = async (source: string, image: string, more: Partial<CopySettings> = {}) => {
  const settings = {
    source,
    destination: { image, tags: ['t'] },
    compression: 'zstd',
    credentials: {},
    workingDirectory: '/',
    ...more,
  };
  return (await copy(settings as CopySettings, quietHost())).outputs;
};

const raw = (reference: string) =>
  execFileSync('skopeo', ['inspect', '--raw', '--tls-verify=false', reference]).toString();

test('an image goes through a registry and back as it is, as skopeo sees it', async t => {
  const root = mkdtempSync(join(tmpdir(), 'copies-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const layout = startLayout(`${root}/one`);
  const { manifest } = fillLayout(layout, [smallLayer, Buffer.alloc(0)]);
  const annotated = { ...manifest, annotations: { 'org.example.a': 'b' } };
  const text = JSON.stringify(annotated, undefined, 1);
  const descriptor = layout.put(text, mediaTypes.manifest);
  layout.index([descriptor]);
  const there = `${registry.address}/o/one`;
  assert.equal((await copied(`oci:${layout.folder}`, there)).digest, descriptor.digest);
  assert.equal(raw(`docker://${there}:t`), text);
  await copied(`${there}:t`, `oci:${root}/back`);
  assert.equal(raw(`oci:${root}/back`), text);
  const archive = `${root}/image.tar`;
  execFileSync('skopeo', ['copy', '-q', `oci:${root}/back`, `oci-archive:${archive}:x/y:z`]);
  await copied(`oci-archive:${archive}`, `${registry.address}/o/two`);
  assert.equal(raw(`docker://${registry.address}/o/two:t`), raw(`oci-archive:${archive}`));
});

test('an index goes through a registry and back with all that it names', async t => {
  const root = mkdtempSync(join(tmpdir(), 'copies-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const layout = startLayout(`${root}/one`);
  const { descriptor } = fillLayout(layout);
  const platform = { os: 'linux', architecture: 'amd64' };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...descriptor, platform }],
  });
  layout.index([layout.put(index, mediaTypes.index)]);
  const there = `${registry.address}/o/all`;
  await copied(`oci:${layout.folder}`, there, { all: true });
  assert.equal(raw(`docker://${there}:t`), index);
  await copied(`${there}:t`, `oci:${root}/back`, { all: true });
  assert.equal(raw(`oci:${root}/back`), index);
});

test('images that Docker has described go into a layout that skopeo reads, all of them', async t => {
  const root = mkdtempSync(join(tmpdir(), 'copies-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const layout = startLayout(`${root}/one`);
  fillLayout(layout);
  const there = `docker://${registry.address}/o/docker`;
  const skopeo = (...args: string[]) => execFileSync('skopeo', ['copy', '-q', ...args]);
  const plain = '--dest-tls-verify=false';
  skopeo(plain, '--format', 'v2s2', `oci:${layout.folder}`, `${there}:one`);
  const manifest = raw(`${there}:one`);
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  const { mediaType } = JSON.parse(manifest);
  assert.match(mediaType, /docker/);
  const list = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifests: [
      {
        ...{ mediaType, digest, size: manifest.length },
        platform: { os: 'linux', architecture: 'amd64' },
      },
    ],
  });
  const put = await fetch(`http://${registry.address}/v2/o/docker/manifests/all`, {
    method: 'PUT',
    headers: { 'content-type': JSON.parse(list).mediaType },
    body: list,
  });
  assert.equal(put.status, 201);
  const { digest: sent } = await copied(`${registry.address}/o/docker:all`, `oci:${root}/all`, {
    all: true,
  });
  const index = raw(`oci:${root}/all:t`);
  assert.equal(`sha256:${createHash('sha256').update(index).digest('hex')}`, sent);
  skopeo('--all', '--preserve-digests', `oci:${root}/all:t`, `oci:${root}/again:t`);
  assert.equal(raw(`oci:${root}/again:t`), index);
});
