import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { serve } from '../../tools/http-server.ts';
import { startRegistry, type TestRegistry } from '../../tools/registry.ts';
import { copyExample, type Example, run } from './hermetic-example.ts';
import { byLayer, freshMachine, type Machine, type Run } from './machine.ts';

interface Workplace {
  registry: TestRegistry;
  example: Example;
  machine: Machine;
  /** Arguments that push to the registry. */
  args: string[];
}

async function workplace(
  context: TestContext,
  options: Parameters<typeof startRegistry>[0] = {},
): Promise<Workplace> {
  const registry = await startRegistry(options);
  context.after(() => registry.stop());
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  return { registry, example, machine, args: ['--image', `${registry.address}/comfy/demo`] };
}

/** Replaces a text that must be there. */
async function replace(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(from), `${file} does not have ${from}`);
  await writeFile(file, text.replace(from, to));
}

function failed(result: Run, code: number, ...patterns: RegExp[]): void {
  assert.equal(result.code, code, result.stderr);
  for (const pattern of patterns) assert.match(result.stderr, pattern);
  assert.doesNotMatch(result.stderr, /\n\s+at .*:\d+:\d+/, 'a failure for people has no stack');
}

async function digestAt({ registry }: Workplace, tag: string): Promise<string | undefined> {
  const answer = await fetch(`http://${registry.address}/v2/comfy/demo/manifests/${tag}`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  return answer.ok ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}

test('a layer that fails to build: no tag moves, what was made before is remembered', async context => {
  const place = await workplace(context);
  const { machine, example, args } = place;
  const layers = join(example.folder, 'layers.nix');
  const good = await readFile(layers, 'utf8');
  await replace(
    layers,
    '      echo "$requires" > "$out/requires"\n    \'\';',
    '      echo "$requires" > "$out/requires"\n      echo "compiling $name" ; test "$name" != kornia-0.8.2 || { echo "no such header: cuda.h"; exit 3; }\n    \'\';',
  );
  const result = await machine.build(example, args);
  failed(
    result,
    1,
    /layer4-deps/,
    /kornia/,
    /no such header: cuda\.h/,
    /nix log \S+kornia\S*\.drv/,
  );
  assert.equal(await digestAt(place, 'cu130'), undefined);
  assert.equal(result.record?.outcome, 'failure');
  assert.match(String(result.record?.failure), /kornia/);

  await replace(layers, 'test "$name" != kornia-0.8.2 || ', 'test "$name" != nothing || ');
  const repaired = await (await freshMachine(context)).build(example, args);
  assert.equal(repaired.code, 0, repaired.stderr);
  const origins = byLayer(repaired, layer => layer.origin);
  assert.equal(origins['layer0-base'], 'reused', 'it was pushed before the failure');
  assert.ok(good.length > 0);
});

test('an interrupt during a build ends with 130, and the run can be repeated', async context => {
  const place = await workplace(context);
  const { machine, example, args } = place;
  await replace(
    join(example.folder, 'layers.nix'),
    '\'\'cp -r "$app" "$out"\'\'',
    '\'\'echo waiting; "$shell" sleep 60; cp -r "$app" "$out"\'\'',
  );
  const result = await machine.build(example, args, {
    onOutput: { pattern: /building comfyui-app/, act: pid => process.kill(pid, 'SIGINT') },
  });
  failed(result, 130, /[Ii]nterrupt/);
  assert.equal(result.record?.outcome, 'cancelled');
  assert.equal(byLayer(result, layer => layer.origin)['layer6-app'], 'cancelled');
  assert.equal(await digestAt(place, 'cu130'), undefined);

  await replace(join(example.folder, 'layers.nix'), '"$shell" sleep 60', 'true');
  const repeated = await machine.build(example, args);
  assert.equal(repeated.code, 0, repeated.stderr);
  assert.ok(await digestAt(place, 'cu130'));
});

test('a damaged memory is ignored with a warning', async context => {
  const place = await workplace(context);
  const { machine, example, args, registry } = place;
  assert.equal((await machine.build(example, args)).code, 0);
  await putMemory(registry, '{"format":2,"paths":"none"}');
  const result = await machine.build(example, args);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /memory .* is damaged/);
  assert.equal(byLayer(result, layer => layer.origin)['layer0-base'], 'local');
  const healed = await machine.build(example, args);
  assert.equal(healed.record?.sentBytes, 0);
});

test('a memory of a newer format is ignored with a warning, and left alone', async context => {
  const place = await workplace(context);
  const { machine, example, args, registry } = place;
  await putMemory(registry, '{"format":99}');
  const before = await digestAt(place, 'cache-comfyui-cu130-amd64');
  const result = await machine.build(example, args);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /format 99, which needs a newer comfy-nix/);
  assert.equal(await digestAt(place, 'cache-comfyui-cu130-amd64'), before);
});

test('a registry that wants a login: nothing is built for nothing', async context => {
  const place = await workplace(context, { auth: 'htpasswd', username: 'user', password: 'right' });
  const { machine, example, args } = place;
  const anonymous = await machine.build(example, args);
  failed(anonymous, 1, /401/, /comfy\/demo/, /REGISTRY_PASSWORD|registry-password/);
  assert.doesNotMatch(anonymous.stderr, /building/);
  const env = { REGISTRY_USERNAME: 'user', REGISTRY_PASSWORD: 'wrong-hunter2' };
  const wrong = await machine.build(example, args, { env });
  failed(wrong, 1, /401/);
  assert.doesNotMatch(wrong.stderr, /hunter2/);
  const right = { REGISTRY_USERNAME: 'user', REGISTRY_PASSWORD: 'right' };
  const result = await machine.build(example, args, { env: right });
  assert.equal(result.code, 0, result.stderr);
  assert.doesNotMatch(JSON.stringify(result.record), /right/);
});

test('a token without the right to push: the scope is named', async context => {
  const place = await workplace(context, {
    auth: 'token',
    username: 'user',
    password: 'secret',
    grant: (_, action) => action === 'pull',
  });
  const env = { REGISTRY_USERNAME: 'user', REGISTRY_PASSWORD: 'secret' };
  const result = await place.machine.build(place.example, place.args, { env });
  failed(result, 1, /comfy\/demo/, /lacks the permission "push"/);
  assert.doesNotMatch(result.stderr, /building/);
});

// 5xx is retried for a minute: test/integration/registry shows it with a shorter patience
for (const status of [403, 404]) {
  test(`a registry that answers ${status}: the repository and what to check are named`, async context => {
    const server = await serve((request, response) => {
      request.resume();
      response.writeHead(request.method === 'GET' && status === 404 ? 404 : status);
      response.end('{"errors":[{"code":"DENIED","message":"no"}]}');
    });
    context.after(server.stop);
    const example = await copyExample(context);
    const machine = await freshMachine(context);
    const result = await machine.build(example, ['--image', `${server.address}/comfy/demo`]);
    failed(result, 1, new RegExp(String(status)), /comfy\/demo/);
  });
}

test('a full disk below an OCI layout: said so, and the layout stays as it was', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const small = join(machine.home, 'small');
  await mkdir(small);
  const script = `mount -t tmpfs -o size=256k tmpfs ${small} && exec "$@"`;
  const wrapper = ['unshare', '--mount', 'sh', '-c', script, 'sh'];
  const result = await machine.build(example, ['--image', `oci:${small}/image`], { wrapper });
  failed(result, 1, /no space|full/i, /image/);
});

test('wrong usage is told with exit code 2 before anything is done', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const cases: [string[], RegExp][] = [
    [['--tags', '2.10.0+cu130'], /2\.10\.0-cu130/],
    [['--image', 'ghcr.io/o/demo:tag'], /tags/],
    [['--compression', 'lzma'], /zstd/],
    [['--layers', 'layer9-none'], /layer9-none[\s\S]*layer0-base/],
    [['--max-layer-size', 'huge'], /1GiB/],
  ];
  for (const [args, pattern] of cases) failed(await machine.build(example, args), 2, pattern);
});

test('a missing flake, target or attribute is named', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const program = (await machine.build(example, ['--version'])).stdout.toString();
  assert.match(program, /\d+\.\d+\.\d+/);
  const build = async (flake: string) => {
    const cli = new URL('../../../dist/cli.js', import.meta.url).pathname;
    const override = ['--override-inputs', `busybox=path:${example.busybox}`];
    return machine.command([process.execPath, cli, 'build', flake, ...override]);
  };
  failed(await build(`path:${machine.home}#comfyui`), 1, /flake\.nix/);
  failed(await build(`path:${example.folder}#comfy`), 1, /comfy/);
  failed(await build(`path:${example.folder}#layer0-base`), 1, /layer0-base/, /is no image/);
});

test('a recipe of the wrong shape: the field and what was found', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const image = join(example.folder, 'image.nix');
  await replace(image, 'tag = "cu130";', 'tag = 130;');
  failed(await machine.build(example, []), 1, /recipe\.tag/, /int|number/);
});

test('two roots with one path: both are named, and no tag has moved', async context => {
  const place = await workplace(context);
  const { machine, example, args } = place;
  await replace(
    join(example.folder, 'layers.nix'),
    '{ "opt/comfyui" = comfyui; }',
    '{ "opt/comfyui" = comfyui; "bin/python" = comfyui; }',
  );
  const result = await machine.build(example, args);
  failed(result, 1, /\/bin\/python/, /layer1-python/, /layer6-app/);
  assert.equal(await digestAt(place, 'cu130'), undefined);
});

test('a checkout of another user: safe.directory is named', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  await run('git', ['init', '-q'], example.folder);
  await run('git', ['add', '-A'], example.folder);
  await run('chown', ['-R', '1234:1234', example.folder]);
  const cli = new URL('../../../dist/cli.js', import.meta.url).pathname;
  const result = await machine.command([
    process.execPath,
    cli,
    'build',
    `git+file://${example.folder}#comfyui`,
    '--override-inputs',
    `busybox=path:${example.busybox}`,
  ]);
  failed(result, 1, /safe\.directory/);
});

/** Puts a document where the memory of the example is kept. */
async function putMemory(registry: TestRegistry, text: string): Promise<void> {
  const document = zstdCompressSync(text);
  const base = `http://${registry.address}/v2/comfy/demo`;
  const { createHash } = await import('node:crypto');
  const digest = `sha256:${createHash('sha256').update(document).digest('hex')}`;
  const session = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(session.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  assert.equal((await fetch(location, { method: 'PUT', body: document })).status, 201);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.comfy-nix.memory.v2+json',
      digest,
      size: document.length,
    },
    layers: [{ mediaType: 'application/x', digest, size: document.length }],
  });
  const put = await fetch(`${base}/manifests/cache-comfyui-cu130-amd64`, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: manifest,
  });
  assert.equal(put.status, 201);
}
