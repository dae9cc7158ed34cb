import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRelease } from '../../../src/wheels/releases.ts';
import { readRefs } from '../../../src/wheels/sources/git.ts';

const asset = { name: 'x.whl', browser_download_url: 'https://a.example/x.whl', size: 1 };

test('a release is read, and its digests where there are some', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const assets = [
    asset,
    { ...asset, digest: null },
    { ...asset, digest },
    { ...asset, digest: 'x' },
  ];
  const release = readRelease({ tag_name: 'v1', assets });
  assert.equal(release?.tag, 'v1');
  assert.deepEqual(
    release?.files.map(({ sha256 }) => sha256),
    [undefined, undefined, 'ab'.repeat(32), undefined],
  );
});

test('any other answer is none', () => {
  for (const answer of [null, [], 'login', { tag_name: 'v1', assets: null }, { assets: [] }]) {
    assert.equal(readRelease(answer), undefined);
  }
  const odd = [null, { ...asset, size: -1 }, { ...asset, browser_download_url: 'file:///x' }];
  for (const each of odd) assert.equal(readRelease({ tag_name: 'v1', assets: [each] }), undefined);
});

test('references of a Git server are commits and names; other lines are left out', () => {
  const rev = 'ab'.repeat(20);
  const said = [`${rev}\trefs/heads/main`, '--upload-pack=x\trefs/heads/a', `${rev}\t`, 'x', ''];
  assert.deepEqual(readRefs(said.join('\n')), new Map([['refs/heads/main', rev]]));
});
