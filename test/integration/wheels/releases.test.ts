import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import { type GitHubApi, startGitHubApi } from '../../tools/github-api.ts';
import { makeWheel, sri } from '../../tools/package-index.ts';
import { type Workbench, workbench } from './workbench.ts';

const assets = [
  'flash_attn-2.8.3+cu12torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl',
  'flash_attn-2.8.3+cu13torch2.9cxx11abiTRUE-cp312-cp312-linux_x86_64.whl',
  'flash_attn-2.8.3+cu13torch2.10cxx11abiFALSE-cp312-cp312-linux_x86_64.whl',
  'flash_attn-2.8.3+cu13torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl',
  'flash_attn-2.8.3+cu13torch2.10cxx11abiTRUE-cp313-cp313-linux_x86_64.whl',
].map(name => ({ name, bytes: makeWheel(name, `Name: ${name}\n`) }));
const torch = 'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl';
const torchAsset = { name: torch, bytes: makeWheel(torch, 'Name: torch\n') };

async function setUp(context: TestContext): Promise<{ api: GitHubApi; bench: Workbench }> {
  const api = await startGitHubApi();
  context.after(() => api.stop());
  api.release('example/flash-attention', 'v2.8.3', assets);
  api.release('example/torch', 'v2.10.0', [torchAsset]);
  return { api, bench: await workbench(context) };
}

function wanted(api: GitHubApi, wheels: string): string {
  return `cuda = ["cu130"]\npython = ["3.12"]\ngithub-api = "${api.url}"\n${wheels}`;
}

const both =
  '[wheels.flash_attn]\nrelease = "example/flash-attention@v2.8.3"\n' +
  '[wheels.torch]\nrelease = "example/torch"\n';

async function refusal(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return [error.message, ...(error.details.evidence ?? [])].join('\n');
}

test('the asset for CUDA, PyTorch and Python, by the digest that GitHub tells', async context => {
  const { api, bench } = await setUp(context);
  await bench.want(wanted(api, both));
  await bench.run();
  const pins = Object.fromEntries(allPins(await bench.lock()).map(({ name, pin }) => [name, pin]));
  assert.deepEqual(pins['flash-attn'], {
    version: '2.8.3+cu13torch2.10cxx11abiTRUE',
    url: `${api.url}/download/example/flash-attention/v2.8.3/${encodeURIComponent(assets[3]?.name ?? '')}`,
    hash: sri(assets[3]?.bytes ?? Buffer.alloc(0)),
    size: assets[3]?.bytes.length,
    source: 'github:example/flash-attention@v2.8.3',
    digest: 'release',
  });
  assert.equal(pins.torch?.source, 'github:example/torch@v2.10.0');
  assert.ok(api.requests.every(({ path }) => path.startsWith('/repos/')));
});

test('assets without a digest are downloaded', async context => {
  const { api, bench } = await setUp(context);
  api.digests = false;
  await bench.want(wanted(api, both));
  await bench.run();
  const pins = allPins(await bench.lock());
  assert.deepEqual(
    pins.map(({ pin }) => [pin.hash, pin.digest]),
    [
      [sri(assets[3]?.bytes ?? Buffer.alloc(0)), 'download'],
      [sri(torchAsset.bytes), 'download'],
    ],
  );
});

test('the token goes to the API that it is for, and nowhere else', async context => {
  const { api, bench } = await setUp(context);
  await bench.want(wanted(api, both));
  await bench.run({ githubToken: 'secret' }, { GITHUB_API_URL: api.url });
  assert.ok(api.requests.length > 0);
  assert.ok(api.requests.every(({ headers }) => headers.authorization === 'token secret'));
  api.requests.length = 0;
  await bench.run({ githubToken: 'secret' });
  assert.ok(api.requests.length > 0);
  assert.ok(api.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a release that is not there: the nearest tag', async context => {
  const { api, bench } = await setUp(context);
  await bench.want(wanted(api, both.replace('@v2.8.3', '@v2.8.4')));
  assert.match(await refusal(bench.run()), /no release v2\.8\.4; the nearest is v2\.8\.3\./);
});

test('a used-up rate limit: until when, what helps, and the lock stays usable', async context => {
  const { api, bench } = await setUp(context);
  await bench.want(wanted(api, both));
  await bench.run();
  const text = await bench.lockText();
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800000000' };
  api.limit = { status: 403, headers };
  await bench.run();
  assert.match(
    bench.said('warning'),
    /no more requests until 2027-01-15T08:00:00\.000Z; with GITHUB_TOKEN it answers many more\. What/,
  );
  assert.equal(await bench.lockText(), text);
});

test('a release without a wheel for the set names the nearest', async context => {
  const { api, bench } = await setUp(context);
  const toml = wanted(api, both).replace('"cu130"', '"cu126"');
  await bench.want(toml.replace(/\[wheels\.torch\].*/s, ''));
  await bench.run();
  assert.equal(
    allPins(await bench.lock())[0]?.pin.version,
    '2.8.3+cu12torch2.10cxx11abiTRUE',
    'a major version of CUDA is enough',
  );
  await bench.want(wanted(api, both).replace('"3.12"', '"3.14"'));
  const said = await refusal(bench.run());
  assert.match(
    said,
    /no wheel of flash-attn for this variant; the nearest is flash_attn-2\.8\.3\+cu13/,
  );
});
