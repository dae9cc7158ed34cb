import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
