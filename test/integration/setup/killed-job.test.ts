import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';
import { copyExample } from '../build/hermetic-example.ts';
import { cachedNames } from './binary-caches.ts';
import { hostedRunner } from './hosted-runner.ts';
import { buildInputs, startServices } from './services.ts';

test('a run that is killed while it builds and pushes, then repeated, ends in the same state', async t => {
  const runner = await hostedRunner(t);
  const all = await startServices(t);
  const { nginx, cachix, secrets, env } = all;
  const example = await copyExample(t);
  const layers = join(example.folder, 'layers.nix');
  const app = `''cp -r "$app" "$out"''`;
  const slowApp = `''"$shell" sleep 3; cp -r "$app" "$out"''`;
  await writeFile(layers, (await readFile(layers, 'utf8')).replace(app, slowApp));
  let latency = 0;
  const link = await startTcpProxy(nginx.address, () => ({ latency }));
  t.after(link.stop);
  const inputsFor = (name: string) => ({
    ...buildInputs(example, all, `comfy/${name}`),
    'cachix-name': 'mine',
    'cachix-auth-token': secrets.cachix,
    'binary-caches': `http://${link.address}/${name}`,
    'github-cache': 'false',
  });
  const uploaded = async () => new Set((await cachix.uploads()).map(({ path }) => path));

  const whole = await runner.job({ inputs: inputsFor('whole'), env });
  assert.equal(whole.main.code, 0, whole.main.log);
  const uploadsOfWhole = await uploaded();
  await cachix.forget();

  await runner.renew();
  latency = 100;
  const job = { inputs: inputsFor('killed'), env };
  let text = '';
  const killed = await runner.main({
    ...job,
    ownGroup: true,
    onOutput: (pid, more) => {
      text += more;
      if (text.includes('::group::layer1-python')) process.kill(-pid, 'SIGKILL');
    },
  });
  assert.equal(killed.code, null, killed.log);
  const pushed = await cachedNames(join(nginx.folder, 'killed')).catch((): string[] => []);
  const built = await readdir(join(runner.root, 'nix/store'));
  assert.ok(
    built.some(name => name.endsWith('-numpy-2.3.5')),
    'it had built something',
  );
  assert.ok(!pushed.includes('layer1-python'), 'it had pushed less than it had built');

  latency = 0;
  const repeated = await runner.main(job);
  assert.equal(repeated.code, 0, repeated.log);
  assert.equal(repeated.outputs.digest, whole.main.outputs.digest);
  const cached = (name: string) => cachedNames(join(nginx.folder, name));
  assert.deepEqual(await cached('killed'), await cached('whole'));
  assert.deepEqual(await uploaded(), uploadsOfWhole);
});
