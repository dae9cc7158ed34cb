import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nixDialect, padding, tarHeader } from '../../../src/image/tar-header.ts';
import { openStore } from '../../../src/registry/open.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { runProgram } from '../../tools/programs.ts';
import { pushImage } from '../../tools/test-image.ts';

const root = mkdtempSync(join(tmpdir(), 'containers-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A layer that is a tar of one file. */
function tarOf(path: string, content: Buffer): Buffer {
  const header = tarHeader({ type: 'file', path, mode: 0o644, size: content.length }, nixDialect);
  const end = Buffer.alloc(padding(content.length) + 1024);
  return Buffer.concat([header, content, end]);
}

const sources = () => [
  layerOf(tarOf('a', noise(100_000, 1))),
  layerOf(tarOf('b', Buffer.from('second\n'))),
];

const open = (image: string) =>
  openStore(image, { host: quietHost(), credentials: {}, imageName: () => 'demo' });

describe('an OCI layout', () => {
  test('is read by skopeo, by each of its tags', async () => {
    const folder = join(root, 'layout');
    const store = open(`oci:${folder}`);
    const digest = await pushImage(store, sources(), ['cu130', 'latest']);
    for (const tag of ['cu130', 'latest']) {
      const seen = JSON.parse(await runProgram('skopeo', ['inspect', `oci:${folder}:${tag}`])) as {
        Digest: string;
      };
      assert.equal(seen.Digest, digest);
    }
    await runProgram('skopeo', [
      'copy',
      '--preserve-digests',
      `oci:${folder}:cu130`,
      `oci:${join(root, 'copy')}:x`,
    ]);
    const other = open(`oci:${join(root, 'copy')}`);
    assert.equal((await other.getManifest('x'))?.digest, digest);
  });
});

describe('a full disk', () => {
  test('is said as such, and no partial file stays', async () => {
    const folder = join(root, 'small');
    mkdirSync(folder);
    const script = fileURLToPath(new URL('./full-disk.ts', import.meta.url));
    const mounted = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" "$3" "$1"';
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', mounted, 'sh'];
    const said = await runProgram('unshare', [...args, folder, process.execPath, script]);
    const results = JSON.parse(said) as { message: string; left: string[] }[];
    assert.equal(results.length, 2);
    for (const { message, left } of results) {
      assert.match(message, /There is no space left to write/);
      assert.deepEqual(left, []);
    }
  });
});

describe('a docker-archive', () => {
  test('is read by skopeo and loaded by podman', async () => {
    const file = join(root, 'image.tar');
    const store = open(`docker-archive:${file}`);
    await pushImage(store, sources(), ['cu130', 'latest']);
    await store.close();
    const seen = JSON.parse(await runProgram('skopeo', ['inspect', `docker-archive:${file}`])) as {
      Layers: string[];
    };
    assert.equal(seen.Layers.length, 2);
    await runProgram('skopeo', [
      'copy',
      `docker-archive:${file}:demo:latest`,
      `oci:${join(root, 'from')}:x`,
    ]);
    assert.ok(await open(`oci:${join(root, 'from')}`).getManifest('x'));

    const storage = ['--root', join(root, 'graph'), '--runroot', join(root, 'run')];
    const podman = ['--storage-driver', 'vfs', ...storage, '--events-backend', 'file'];
    const loaded = await runProgram('podman', [...podman, 'load', '--input', file]);
    assert.match(loaded, /demo:cu130/);
    assert.match(loaded, /demo:latest/);
    const saved = join(root, 'saved.tar');
    await runProgram('podman', [...podman, 'save', '--output', saved, 'localhost/demo:cu130']);
    assert.ok(readFileSync(saved).includes('second\n'));
    await runProgram('podman', [...podman, 'rmi', '--all', '--force']);
  });
});
