import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDestination, openRepository } from '../../../src/commands/build/destination.ts';
import { recall } from '../../../src/commands/build/recall.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { quietHost } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';

/** A registry that refuses everybody's login, and what it was asked; `silent`: it never answers. */
async function refusingRegistry(t: TestContext, silent = false) {
  const asked: string[] = [];
  const left = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const server = await serve(({ url = '', headers: { host } }, response) => {
    asked.push(url.replace(/\?.*/, ''));
    heard.resolve();
    response.once('close', () => response.writableEnded || left.resolve());
    if (silent) return;
    if (url.startsWith('/token')) return response.writeHead(403).end();
    const challenge = `Bearer realm="http://${host}/token",service="r"`;
    return response.writeHead(401, { 'www-authenticate': challenge }).end();
  });
  t.after(server.stop);
  const image = `${server.address}/o/x`;
  return { image, asked, heard: heard.promise, left: left.promise };
}

const settingsFor = (image: string, push = 'true') =>
  parseBuild(
    { image, push },
    { face: 'command-line', currentDirectory: '/', temporaryDirectory: '/', takesImage: true },
  );

const identity = { name: 'x', tag: 'y', architecture: 'amd64' };

test('a login that was refused ahead is told where the memory is read, and not tried again', async t => {
  const { image, asked } = await refusingRegistry(t);
  for (const push of ['true', 'false']) {
    asked.length = 0;
    const host = quietHost();
    const settings = settingsFor(image, push);
    const repository = openRepository(settings, host);
    repository?.logIn();
    const destination = openDestination(settings, identity, host, repository);
    const place = { storeDir: '/nix/store', architecture: 'amd64' };
    const recalling = recall(destination, settings, place, host);
    if (push === 'true') await assert.rejects(recalling, /403/);
    else await recalling;
    assert.equal(host.warnings.length, push === 'true' ? 0 : 1);
    assert.deepEqual(asked, ['/v2/', '/token']);
    await repository?.close();
  }
});

test('a repository that is closed ends a login that is under way', async t => {
  const { image, heard, left } = await refusingRegistry(t, true);
  const repository = openRepository(settingsFor(image), quietHost());
  assert.ok(repository);
  repository.logIn();
  await heard;
  await repository.close();
  await left;
});

test('what is written on this machine needs no login', () => {
  for (const image of ['oci:x', 'docker-archive:x', '-']) {
    assert.equal(openRepository(settingsFor(image), quietHost()), undefined);
  }
});
