import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startBinaryCachePush } from '../../../src/caches/binary-cache.ts';
import { runNix } from '../../../src/nix/nix.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { startMoodyCache } from '../../tools/cache-stand-in.ts';
import { serve } from '../../tools/http-server.ts';
import { startNginx, type TestNginxOptions } from '../../tools/nginx.ts';
import { startSshBuilder } from '../../tools/ssh-builder.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';

/** A Nix, and two paths in its store of which the second refers to the first. */
async function bench(t: TestContext) {
  const { nix, folder, emitted } = await workbench(t);
  const id = `cache-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const expression = `let
      base = builtins.toFile "${id}-base" "base";
    in { inherit base; top = builtins.toFile "${id}-top" "\${base}"; }`;
  const made = await runNix(nix, 'nix', ['eval', '--json', '--expr', expression]);
  assert.equal(made.code, 0, made.stderr);
  const { base, top } = JSON.parse(made.stdout) as { base: string; top: string };
  const warnings = () => emitted.flatMap(e => (e.type === 'warning' ? [e.message] : []));
  return { nix, folder, base, top, warnings };
}

async function nginx(t: TestContext, options: TestNginxOptions = {}) {
  const server = await startNginx(options);
  t.after(server.stop);
  return { server, url: `http://${server.address}` };
}

/** A key pair of Nix's, the secret half in a file. */
async function signingKey(nix: Nix, folder: string) {
  const secret = await runNix(nix, 'nix', ['key', 'generate-secret', '--key-name', 'test-1']);
  const file = join(folder, 'key');
  await writeFile(file, secret.stdout, { mode: 0o600 });
  const run = await nix.host.run({
    file: join(nix.bin, 'nix'),
    args: ['key', 'convert-secret-to-public'],
    env: nix.env,
    stdin: secret.stdout,
    limit: 'none',
  });
  return { file, publicKey: run.stdout.trim() };
}

const narinfoOf = (path: string) => `${path.slice('/nix/store/'.length).slice(0, 32)}.narinfo`;

/** What the path's narinfo says of a field. */
async function narinfo(folder: string, path: string): Promise<string> {
  return readFile(join(folder, narinfoOf(path)), 'utf8');
}

/** Copies a path into a store of its own, as another machine would; the error, if any. */
async function pull(nix: Nix, url: string, path: string, store: string, key?: string) {
  const trust = key === undefined ? ['--no-check-sigs'] : ['--option', 'trusted-public-keys', key];
  return runNix(nix, 'nix', ['copy', '--from', url, '--to', store, ...trust, path]);
}

test('a folder gets the closure, compressed and signed, and another store can take it', async t => {
  const { nix, folder, base, top, warnings } = await bench(t);
  const { file, publicKey } = await signingKey(nix, folder);
  const url = `file://${folder}/cache`;
  const target = startBinaryCachePush(nix, { url, signingKeyFile: file }, nix.host);
  target.push(top);
  assert.deepEqual(await target.finish(), { name: url, pushed: 1, failed: [] });
  assert.deepEqual(warnings(), []);
  const info = await narinfo(join(folder, 'cache'), top);
  assert.match(info, /^Compression: zstd$/m);
  assert.match(info, /^Sig: test-1:/m);
  assert.match(await narinfo(join(folder, 'cache'), base), /^Sig: test-1:/m);

  const pulled = await pull(nix, url, top, join(folder, 'store'), publicKey);
  assert.equal(pulled.code, 0, pulled.stderr);
  const refused = await pull(nix, url, top, join(folder, 'other'), 'test-1:AAAA');
  assert.notEqual(refused.code, 0);
});

test('nginx takes what is pushed and serves it; pushed again, nothing is sent', async t => {
  const { nix, folder, top } = await bench(t);
  const { server, url } = await nginx(t);
  const first = startBinaryCachePush(nix, { url }, nix.host);
  first.push(top);
  assert.deepEqual((await first.finish()).failed, []);
  const nars = await readdir(join(server.folder, 'nar'));
  assert.equal(nars.length, 2);
  const pulled = await pull(nix, url, top, join(folder, 'store'));
  assert.equal(pulled.code, 0, pulled.stderr);

  // as after a run that was interrupted: what lacks is sent, though Nix remembers that it was there
  await rm(join(server.folder, narinfoOf(top)));
  const again = startBinaryCachePush(nix, { url }, nix.host);
  again.push(top);
  assert.deepEqual((await again.finish()).failed, []);
  assert.match(await narinfo(server.folder, top), /^Compression: zstd$/m);
  assert.deepEqual(await readdir(join(server.folder, 'nar')), nars);
});

test('a login comes from netrc', async t => {
  const { nix, folder, top } = await bench(t);
  const { server, url } = await nginx(t, { login: { username: 'ci', password: 'hidden' } });
  const netrc = join(folder, 'netrc');
  await writeFile(netrc, 'machine 127.0.0.1 login ci password hidden\n', { mode: 0o600 });
  const config = `${nix.env.NIX_CONFIG}\nnetrc-file = ${netrc}`;
  const withLogin = { ...nix, env: { ...nix.env, NIX_CONFIG: config } };
  const target = startBinaryCachePush(withLogin, { url }, nix.host);
  target.push(top);
  assert.deepEqual((await target.finish()).failed, []);
  assert.match(await narinfo(server.folder, top), /^StorePath: /m);
});

test('a cache that refuses costs a warning with path and reason, and no error', async t => {
  const { nix, top, warnings } = await bench(t);
  const { server, url } = await nginx(t, { readOnly: true });
  await writeFile(join(server.folder, 'nix-cache-info'), 'StoreDir: /nix/store\n');
  const target = startBinaryCachePush(nix, { url }, nix.host, { pauses: [] });
  target.push(top);
  const { pushed, failed } = await target.finish();
  assert.equal(pushed, 0);
  assert.equal(failed[0]?.path, top);
  assert.match(failed[0]?.reason ?? '', /405/);
  assert.equal(warnings().length, 1);
  assert.match(warnings()[0] ?? '', new RegExp(`^${top} was not pushed to ${url}: `));
});

test('a path that is not there costs no other', async t => {
  const { nix, folder, base, top } = await bench(t);
  const url = `file://${folder}/cache`;
  const target = startBinaryCachePush(nix, { url }, nix.host, { pauses: [] });
  const missing = `/nix/store/${'0'.repeat(32)}-missing`;
  for (const path of [base, missing, top]) target.push(path);
  const { pushed, failed } = await target.finish();
  assert.equal(pushed, 2);
  assert.deepEqual(
    failed.map(({ path }) => path),
    [missing],
  );
  await narinfo(join(folder, 'cache'), top);
});

test('Nix sends the password of a netrc line without a login, as Cachix wants it', async t => {
  const { nix, folder } = await bench(t);
  const asked: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    asked.push(request.headers.authorization);
    response.writeHead(404).end();
  });
  t.after(server.stop);
  const netrc = join(folder, 'netrc');
  await writeFile(netrc, 'machine 127.0.0.1 password hidden\n', { mode: 0o600 });
  const options = ['--option', 'netrc-file', netrc, '--store', server.url];
  await runNix(nix, 'nix', ['path-info', ...options, `/nix/store/${'0'.repeat(32)}-x`]);
  assert.equal(asked[0], `Basic ${Buffer.from(':hidden').toString('base64')}`);
});

test('a store behind SSH takes what was built here, though nobody has signed it', async t => {
  const { nix, folder, top } = await bench(t);
  const builder = await startSshBuilder();
  t.after(builder.stop);
  const key = join(folder, 'ssh-key');
  const knownHosts = join(folder, 'known-hosts');
  await writeFile(key, builder.key, { mode: 0o600 });
  await writeFile(knownHosts, builder.knownHosts);
  const NIX_SSHOPTS = `-p ${builder.port} -i ${key} -o UserKnownHostsFile=${knownHosts}`;
  const withKey = { ...nix, env: { ...nix.env, NIX_SSHOPTS } };
  const target = startBinaryCachePush(withKey, { url: 'ssh-ng://root@127.0.0.1' }, nix.host, {
    pauses: [],
  });
  const built = await buildOne(nix, folder);
  target.push(built);
  target.push(top);
  assert.deepEqual((await target.finish()).failed, []);
  const there = await readdir(join(builder.nix, 'store'));
  assert.ok(there.includes(built.slice('/nix/store/'.length)));
  assert.ok(there.includes(top.slice('/nix/store/'.length)));
});

/** An output that is not content-addressed, as all that is built. */
async function buildOne(nix: Nix, folder: string): Promise<string> {
  const name = `built-${process.pid}-${Math.random().toString(36).slice(2)}`;
  await writeFlake(folder, `one = sh "${name}" "echo 1 > $out" { };`);
  const args = ['build', '--no-link', '--json', `path:${join(folder, 'flake')}#one`];
  const { code, stdout, stderr } = await runNix(nix, 'nix', args);
  assert.equal(code, 0, stderr);
  const [{ outputs }] = JSON.parse(stdout) as [{ outputs: { out: string } }];
  return outputs.out;
}

test('a cache that takes the connection and never answers is given up, and named', async t => {
  const { nix, folder, top, warnings } = await bench(t);
  const cache = await startMoodyCache(folder);
  t.after(cache.stop);
  cache.mood = 'silent';
  const options = { pauses: [], silence: 1000 };
  const target = startBinaryCachePush(nix, { url: cache.url }, nix.host, options);
  target.push(top);
  const reason = `Waited 1 s for nix copy to ${cache.url}, in vain.`;
  const failed = [{ path: top, reason }];
  assert.deepEqual(await target.finish(), { name: cache.url, pushed: 0, failed });
  assert.deepEqual(warnings(), [`Nothing more is pushed to ${cache.url}: ${reason}`]);
});
