import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  filesOfOutput,
  filesOfPath,
  type SourceFiles,
  type SourceStore,
} from '../../../src/image/sources/source-files.ts';
import { filesAt, filesIn, hashed, temporaryFolder } from './fixtures.ts';

/**
 * A store at `place` that is called /nix/store, in which image refers to other and to nothing else.
 */
function chrootStore(t: TestContext) {
  const root = temporaryFolder(t);
  const place = `${root}/nix/store`;
  mkdirSync(place, { recursive: true });
  for (const name of ['image', 'other', 'secret']) {
    mkdirSync(`${place}/${hashed(name)}`);
    writeFileSync(`${place}/${hashed(name)}/file`, name);
  }
  const named = (name: string) => `/nix/store/${hashed(name)}`;
  const store: SourceStore = {
    storeDir: '/nix/store',
    place,
    closureOf: async path => {
      assert.equal(path, named('image'), 'what Nix is asked for');
      return new Set([named('image'), named('other')]);
    },
  };
  const link = (target: string, name: string) =>
    symlinkSync(target, `${place}/${hashed('image')}/${name}`);
  return { root, place, store, named, link };
}

async function textOf(files: SourceFiles, path: string): Promise<string> {
  const { handle } = await files.open(path);
  const text = await handle.readFile('utf8');
  await handle.close();
  return text;
}

test('store paths are those of the closure, by their full names', async t => {
  const { place, store, named } = chrootStore(t);
  const files = await filesOfOutput(named('image'), store);
  assert.deepEqual(await files.storePlaces([named('other')]), [
    { path: named('other'), place: `${place}/${hashed('other')}` },
  ]);
  for (const path of [
    ...[
      '/etc/shadow',
      '/',
      '',
      '/nix/store',
      '/nix/store/',
      'nix/store/x',
      `${place}/${hashed('other')}`,
    ],
    ...['/nix/store/../../etc/shadow', `${named('other')}/file`, `${named('other')}/..`],
    ...[`/nix/store/./${hashed('other')}`, `/nix/store//${hashed('other')}`, `${named('other')}/`],
    ...['/nix/store/other', `/nix/store/${'e'.repeat(32)}-x`, `/nix/storex/${hashed('other')}`],
  ]) {
    await assert.rejects(files.storePlaces([path]), /which is no store path/, path);
  }
  await assert.rejects(
    files.storePlaces([named('other'), named('secret')]),
    /not part of the image/,
  );
});

test('a file of the closure is read where the store has it, and nothing beside', async t => {
  const { root, place, store, named, link } = chrootStore(t);
  writeFileSync(`${root}/secret`, 'secret');
  link(`${named('other')}/file`, 'as-nix-writes-it');
  link(`../${hashed('other')}/file`, 'relative');
  link(`${named('secret')}/file`, 'not-in-the-closure');
  link(`${root}/secret`, 'out');
  link('../../../secret', 'out-by-dots');
  link(root, 'folder');
  const files = await filesOfOutput(named('image'), store);
  const image = named('image');
  assert.equal(await textOf(files, `${image}/file`), 'image');
  assert.equal(await textOf(files, `${image}/as-nix-writes-it`), 'other');
  assert.equal(await textOf(files, `${image}/relative`), 'other');
  assert.equal(await textOf(files, `${place}/${hashed('other')}/file`), 'other');
  for (const path of [
    ...['not-in-the-closure', 'out', 'out-by-dots', 'folder/secret'].map(
      name => `${image}/${name}`,
    ),
    ...[
      `${root}/secret`,
      '/etc/passwd',
      `${image}/../../../../etc/passwd`,
      `${image}/../${hashed('secret')}/file`,
    ],
  ]) {
    await assert.rejects(files.open(path), /is not part of the image/, path);
  }
});

test('an output that is a link leads to its closure or is refused', async t => {
  const { place, store, named } = chrootStore(t);
  symlinkSync(`${named('other')}/file`, `${place}/${hashed('link')}`);
  symlinkSync('/etc/passwd', `${place}/${hashed('away')}`);
  const opened = (name: string) =>
    filesOfOutput(named(name), {
      ...store,
      closureOf: async path => new Set([path, named('other')]),
    });
  assert.equal((await opened('link')).named, `${place}/${hashed('other')}/file`);
  await assert.rejects(opened('away'), /away leads to what is not part of it/);
});

test('what the user names is read as it is, and its folder is not left', async t => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/layout/blobs`, { recursive: true });
  writeFileSync(`${folder}/layout/blobs/a`, 'a');
  writeFileSync(`${folder}/other`, 'other');
  symlinkSync('a', `${folder}/layout/blobs/b`);
  symlinkSync('../../other', `${folder}/layout/blobs/c`);
  symlinkSync('layout', `${folder}/result`);
  const files = await filesAt(`${folder}/result`);
  assert.equal(files.named, `${folder}/layout`);
  assert.equal(await textOf(files, `${files.named}/blobs/b`), 'a');
  await assert.rejects(files.open(`${files.named}/blobs/c`), /is not part of the image/);
  await assert.rejects(files.open(`${folder}/other`), /is not part of the image/);
  await assert.rejects(files.open(`${files.named}/blobs/none`), /There is no file|not part of/);
  await assert.rejects(files.storePlaces([`/nix/store/${hashed('x')}`]), /lies in no Nix store/);
});

test('what is named in a store may lead within its closure; the store is asked only then', async t => {
  const { place, store, link, named } = chrootStore(t);
  link(`../${hashed('other')}/file`, 'blob');
  link(`../${hashed('secret')}/file`, 'secret');
  let asked = 0;
  const files = await filesOfPath(`${place}/${hashed('image')}`, async () => {
    asked += 1;
    return store;
  });
  assert.equal(await textOf(files, `${files.named}/file`), 'image');
  assert.equal(asked, 0);
  assert.equal(await textOf(files, `${files.named}/blob`), 'other');
  await assert.rejects(files.open(`${files.named}/secret`), /is not part of the image/);
  assert.equal((await files.storePlaces([named('other')])).length, 1);
  assert.equal(asked, 1);
});

test('links of the user may lead anywhere, links in a store only within the closure', async t => {
  const { root, place, store, link, named } = chrootStore(t);
  writeFileSync(`${root}/private.tar`, 'private');
  symlinkSync(`${root}/private.tar`, `${root}/mine`);
  symlinkSync(named('image'), `${root}/result`); // as Nix makes it, also in a chroot store
  link(`${root}/private.tar`, 'out');
  link(`${named('other')}/file`, 'blob');
  link(`${named('secret')}/file`, 'stranger');
  const opened = (path: string) => filesOfPath(`${root}/${path}`, async () => store);
  assert.equal((await opened('mine')).named, `${root}/private.tar`);
  assert.equal((await opened('result')).named, `${place}/${hashed('image')}`);
  assert.equal((await opened('result/blob')).named, `${place}/${hashed('other')}/file`);
  await assert.rejects(opened('result/out'), /result\/out leads to what is not part of it/);
  await assert.rejects(opened('result/stranger'), /leads to what is not part of it/);
  symlinkSync('loop', `${root}/loop`);
  await assert.rejects(opened('loop'), /a link that leads to itself/);
  await assert.rejects(opened('none'), /There is no file .*none/);
});

test('pipes, sockets, devices and folders are named, and not waited for', async t => {
  const folder = temporaryFolder(t);
  execFileSync('mkfifo', [`${folder}/pipe`]);
  const server = createServer().listen(`${folder}/socket`);
  await once(server, 'listening');
  t.after(() => server.close());
  mkdirSync(`${folder}/folder`);
  const files = await filesAt(folder);
  await assert.rejects(files.open(`${folder}/pipe`), /pipe is a pipe, and no file/);
  await assert.rejects(files.open(`${folder}/socket`), /socket is a socket, and no file/);
  await assert.rejects(files.open(`${folder}/folder`), /folder is a folder, and no file/);
  for (const [path, what] of [
    [`${folder}/pipe`, /is a pipe/],
    [`${folder}/socket`, /is a socket/],
    ['/dev/zero', /is a device/],
  ] as const) {
    await assert.rejects((await filesAt(path)).isFolder(), what);
  }
});

test('links that lead to themselves end', async t => {
  const store = temporaryFolder(t);
  mkdirSync(`${store}/${hashed('image')}`);
  symlinkSync('b', `${store}/${hashed('image')}/a`);
  symlinkSync('a', `${store}/${hashed('image')}/b`);
  const files = await filesIn(store, `${store}/${hashed('image')}`);
  await assert.rejects(files.open(`${files.named}/a`), /a link that leads to itself/);
});

test('as many links are followed as Linux follows, and not one more', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/0`, 'file');
  for (let at = 1; at <= 41; at += 1) symlinkSync(String(at - 1), `${folder}/${at}`);
  const named = async (at: number) =>
    (await filesOfPath(`${folder}/${at}`, async () => undefined)).named;
  assert.equal(await named(40), `${folder}/0`);
  await assert.rejects(named(41), /41 is a link that leads to itself/);
  const { store, named: storePath, link } = chrootStore(t);
  link('file', '1');
  for (let at = 2; at <= 40; at += 1) link(String(at - 1), String(at));
  const files = await filesOfOutput(storePath('image'), store);
  assert.equal(await textOf(files, `${storePath('image')}/39`), 'image');
  await assert.rejects(files.open(`${storePath('image')}/40`), /is a link that leads to itself/);
});

test('what is not there is told apart from what cannot be looked at', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/file`, '');
  const at = (path: string) => filesOfPath(`${folder}/${path}`, async () => undefined);
  await assert.rejects(at('none'), /^Failure: There is no file .*\/none\.$/);
  await assert.rejects(at('file/below'), /^Failure: There is no file .*\/file\/below\.$/);
  await assert.rejects(at('x'.repeat(300)), /^Failure: .*x cannot be read: ENAMETOOLONG/);
  const { store, named } = chrootStore(t);
  const files = await filesOfOutput(named('image'), store);
  await assert.rejects(files.open(`${named('image')}/none/x`), /There is no file .*none\/x/);
  await assert.rejects(files.open(`${named('image')}/none`), /There is no file .*none/);
});

test('what is known of a file that was opened', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/program`, 'twelve bytes', { mode: 0o700 });
  writeFileSync(`${folder}/text`, '', { mode: 0o644 });
  const files = await filesAt(folder);
  for (const [name, size, executable] of [
    ['program', 12, true],
    ['text', 0, false],
  ] as const) {
    const file = await files.open(`${folder}/${name}`);
    await file.handle.close();
    assert.deepEqual([file.size, file.executable], [size, executable]);
  }
  assert.deepEqual([await files.has('text'), await files.has('none')], [true, false]);
  assert.equal(await files.isFolder(), true);
  assert.equal(await (await filesAt(`${folder}/text`)).isFolder(), false);
});

test('a file that is exchanged for a link before it is opened is not read', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/secret`, 'secret');
  mkdirSync(`${folder}/own`);
  writeFileSync(`${folder}/own/file`, 'own');
  const files = await filesAt(`${folder}/own`);
  rmSync(`${folder}/own/file`);
  symlinkSync('../secret', `${folder}/own/file`);
  await assert.rejects(files.open(`${folder}/own/file`), /is not part of the image/);
  rmSync(`${folder}/own`, { recursive: true });
  symlinkSync('.', `${folder}/own`);
  await assert.rejects(files.open(`${folder}/own/secret`), /is not part of the image/);
});

test('control characters of a name are shown, not sent', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/file`, '');
  const files = await filesAt(`${folder}/file`);
  await assert.rejects(files.open('/tmp/\x1b[31m\n::error::x'), (error: Error) => {
    assert.match(error.message, /\/tmp\/\\e\[31m\\n::error::x is not part/);
    return true;
  });
});

test('no file stays open', async t => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/folder`);
  const files = await filesAt(folder);
  await assert.rejects(files.open(`${folder}/folder`));
  const open = readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  assert.ok(!open.some(path => path.startsWith(folder)));
});
