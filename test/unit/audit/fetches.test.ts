import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fetchedSource,
  isFakeHash,
  movingReference,
  pulledImage,
  wheelIn,
} from '../../../src/audit/fetches.ts';

test('a wheel says its distribution and version', () => {
  const url =
    'https://example.org/whl/cu130/flash_attn-2.8.3%2Bcu13torch2.10-1-cp312-cp312-linux_x86_64.whl#sha256=00';
  assert.deepEqual(wheelIn(url), { name: 'flash-attn', version: '2.8.3+cu13torch2.10' });
  assert.equal(wheelIn('https://example.org/torch-2.10.0.tar.gz'), undefined);
  assert.equal(wheelIn('strange.whl'), undefined);
});

test('a source is named by its repository, else by its file', () => {
  const of = (url: string, rev?: string) => fetchedSource([url], rev, 'source');
  assert.deepEqual(of('https://github.com/Comfy-Org/ComfyUI/archive/v0.38.0.tar.gz'), {
    name: 'ComfyUI',
    version: 'v0.38.0',
  });
  assert.deepEqual(of('https://github.com/facebookresearch/sam2.git', 'abc'), {
    name: 'sam2',
    version: 'abc',
  });
  assert.deepEqual(of('mirror://pypi/k/kornia/kornia-0.8.1.tar.gz'), {
    name: 'kornia',
    version: '0.8.1',
  });
  assert.deepEqual(fetchedSource([], undefined, 'a-name'), { name: 'a-name' });
});

test('an image that is pulled has a name and a digest; what has a login in it is not told', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.deepEqual(pulledImage([`docker://example.org:5000/nvidia/cuda@${digest}`]), {
    name: 'example.org:5000/nvidia/cuda',
    version: digest,
  });
  assert.deepEqual(pulledImage(['docker://nvidia/cuda']), { name: 'nvidia/cuda' });
  assert.equal(pulledImage(['docker://user:password@example.org/cuda']), undefined);
  assert.equal(pulledImage(['https://example.org/cuda.tar']), undefined);
});

test('branches move; tags and commits do not', () => {
  const moving: [string | undefined, string, string][] = [
    ['main', '', 'main'],
    ['refs/heads/wip', '', 'wip'],
    [undefined, 'https://github.com/o/r/archive/refs/heads/wip.tar.gz', 'wip'],
    [undefined, 'https://github.com/o/r/archive/master.zip', 'master'],
    [undefined, 'https://api.github.com/repos/o/r/tarball/main', 'main'],
    [undefined, 'https://raw.githubusercontent.com/o/r/main/requirements.txt', 'main'],
    [undefined, 'https://huggingface.co/o/r/resolve/main/model.safetensors', 'main'],
    [undefined, 'https://github.com/o/r/releases/latest/download/x.whl', 'latest'],
    [undefined, 'git+https://github.com/o/r.git@develop#egg=r', 'develop'],
  ];
  for (const [rev, url, branch] of moving) assert.equal(movingReference(rev, [url]), branch, url);
  const fixed: [string | undefined, string][] = [
    ['v0.38.0', 'https://github.com/o/r/archive/v0.38.0.tar.gz'],
    ['2b90b9f5ceec907a1c18123530e92e794ad901a4', 'https://github.com/o/main'],
    ['refs/tags/main-1', 'https://github.com/o/r/archive/refs/tags/main-1.tar.gz'],
    [undefined, 'https://github.com/main/master/archive/1.0.tar.gz'],
    [undefined, 'https://example.org/main/torch-2.10.0.whl'],
  ];
  for (const [rev, url] of fixed) assert.equal(movingReference(rev, [url]), undefined, url);
});

test('a hash of zeros is none, in any notation', () => {
  const zeros = ['', '0'.repeat(64), '0'.repeat(52), `sha256:${'0'.repeat(52)}`];
  for (const hash of [...zeros, `sha256-${'A'.repeat(43)}=`]) assert.ok(isFakeHash(hash), hash);
  for (const hash of [
    'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=',
    `${'0'.repeat(63)}1`,
  ]) {
    assert.ok(!isFakeHash(hash), hash);
  }
});
