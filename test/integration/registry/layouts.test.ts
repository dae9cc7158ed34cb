import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copy } from '../../../src/commands/copy.ts';
import { nixDialect, padding, tarHeader } from '../../../src/image/tar-header.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { CopySettings } from '../../../src/inputs/settings.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { layerOf } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { startPodman } from '../../tools/podman.ts';
import { runProgram } from '../../tools/programs.ts';
import { fillLayout, sha256, startLayout } from '../../tools/small-image.ts';
import { pushImage } from '../../tools/test-image.ts';

/** A layer with a shell that needs nothing else. */
function shellLayer(): Buffer {
  const shell = readFileSync('/bin/busybox');
  const entry = (path: string, size: number) =>
    tarHeader({ type: 'file', path, mode: 0o755, size }, nixDialect);
  const folder = tarHeader({ type: 'directory', path: 'bin', mode: 0o755, size: 0 }, nixDialect);
  const end = Buffer.alloc(padding(shell.length) + 1024);
  return Buffer.concat([folder, entry('bin/sh', shell.length), shell, end]);
}

test('a layout of one image and its memory is one image for skopeo, podman and copy', async t => {
  // podman makes a name of the folder's, which has to be in lower case
  const root = join(tmpdir(), `layouts-${randomUUID()}`);
  mkdirSync(root);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'image');
  const store = layoutStore(folder, quietHost());
  const digest = await pushImage(store, [layerOf(shellLayer())], ['cu130']);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, artifactType: 'x/memory' }));
  const memory = { bytes, mediaType: mediaTypes.manifest, digest: sha256(bytes) };
  await store.putTag('cache-x', memory);

  const seen = JSON.parse(await runProgram('skopeo', ['inspect', `oci:${folder}`]));
  assert.equal(seen.Digest, digest);

  const podman = startPodman('127.0.0.1:5000');
  t.after(() => podman.dispose());
  const id = (await podman.run('pull', '--quiet', `oci:${folder}`)).trim();
  const said = await podman.run('run', '--rm', '--network=none', id, '/bin/sh', '-c', 'echo ready');
  assert.equal(said, 'ready\n');

  const settings = {
    ...{ source: `oci:${folder}`, destination: { image: `oci:${root}/copy`, tags: [] } },
    ...{ compression: 'zstd', credentials: {}, workingDirectory: '/' },
  } as unknown as CopySettings;
  const { outputs } = await copy(settings, quietHost());
  assert.deepEqual([outputs.digest, outputs.tags], [digest, ['cu130']]);

  // another tool that writes to the layout leaves the memory where it is
  const other = startLayout(`${root}/other`);
  fillLayout(other);
  await runProgram('skopeo', ['copy', '-q', `oci:${other.folder}`, `oci:${folder}:second`]);
  assert.ok(await store.getManifest('second'));
  assert.equal((await store.getManifest('cu130'))?.digest, digest);
  assert.deepEqual(await store.getManifest('cache-x'), memory);
});
