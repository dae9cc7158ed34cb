import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { builtSince, readPathInfos } from '../../../src/commands/setup/new-paths.ts';

const storePath = (name: string) => `/nix/store/${'q'.repeat(32)}-${name}`;
const built = { deriver: storePath('d.drv'), registrationTime: 100, ultimate: true };

test('what was built is neither older, nor fetched, nor a source', () => {
  const infos = {
    [storePath('here')]: built,
    [storePath('remote')]: { ...built, ultimate: false, signatures: [] },
    [storePath('signed-here')]: { ...built, signatures: ['own:x'] },
    [storePath('fetched')]: { ...built, ultimate: false, signatures: ['cache:x'] },
    [storePath('source')]: { registrationTime: 100, deriver: null },
    [storePath('before')]: { ...built, registrationTime: 98 },
  };
  const expected = ['here', 'remote', 'signed-here'].map(storePath);
  assert.deepEqual(builtSince(infos, 99_900), expected);
  const list = Object.entries(infos).map(([path, info]) => ({ path, ...info }));
  assert.deepEqual(builtSince(list, 99_900), expected, 'as old versions of Nix say it');
});

test('within the second in which the moment lies, the file system tells what is new', () => {
  const infos = { [storePath('before')]: built, [storePath('after')]: built };
  const changedAt = (path: string) => (path === storePath('before') ? 100_400 : 100_500);
  assert.deepEqual(builtSince(infos, 100_500, changedAt), [storePath('after')]);
  assert.equal(builtSince(infos, 101_000, changedAt).length, 0);
});

/** A derivation on the disk. */
async function derivation(t: TestContext, env: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'drv-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'x.drv');
  await writeFile(file, `Derive([],[],[],"x86_64-linux","/bin/sh",[],[${env}])`);
  return file;
}

test('images are left out by the same rule as during a build, downloads are not', async t => {
  const download = await derivation(t, '("outputHash","sha256-x")');
  const infos = {
    [storePath('docker-image-x.tar.gz')]: { ...built, deriver: await derivation(t, '') },
    [storePath('x.tar.zst')]: built,
    [storePath('wheel-docker-image-1.0')]: built,
    [storePath('source.tar.gz')]: { ...built, deriver: download },
  };
  assert.deepEqual(
    builtSince(infos, 0),
    ['wheel-docker-image-1.0', 'source.tar.gz'].map(storePath),
  );
});

test('a path that has just gone is none, and an answer of another shape a failure', () => {
  const said = JSON.stringify({ [storePath('gone')]: null, [storePath('here')]: built });
  assert.deepEqual(builtSince(readPathInfos(said), 0), [storePath('here')]);
  for (const odd of ['', 'null', '[null]', '{"x":{"registrationTime":"now"}}']) {
    assert.throws(() => readPathInfos(odd), /is not understood/, odd);
  }
});
