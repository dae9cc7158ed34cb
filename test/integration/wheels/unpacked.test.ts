import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import { hashTree } from '../../../src/wheels/tree/hash.ts';
import { type PackageIndex, startPackageIndex } from '../../tools/package-index.ts';
import { type Workbench, workbench } from './workbench.ts';

const torch = (version: string, tag = 'cp312') =>
  `torch-${version}-${tag}-${tag}-manylinux_2_28_x86_64.whl`;
const pure = 'einops-0.8.1-py3-none-any.whl';

const versions = { torch: '2.10.0', einops: '0.8.1' };

/** An index with one folder, and a workbench that wants `wheels` of it for two Pythons. */
async function scene(context: TestContext, wheels: readonly (keyof typeof versions)[]) {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  const bench = await workbench(context);
  const want = (more = '') =>
    bench.want(
      `cuda = ["cu130"]\npython = ["3.12", "3.13"]\nindex = "${index.url}/all"\n` +
        wheels.map(name => `[wheels.${name}]\nversion = "${versions[name]}"\n`).join('') +
        more,
    );
  await want();
  return { index, bench, want };
}

const treeOf = async (bench: Workbench, bytes: Buffer) => {
  const file = join(bench.folder, 'a.whl');
  await writeFile(file, bytes);
  return hashTree(file, 'a.whl');
};

const trees = async (bench: Workbench) =>
  Object.fromEntries(
    allPins(await bench.lock()).map(({ variant, name, pin }) => [
      `${name} ${variant.python}`,
      pin.unpacked,
    ]),
  );

const wheelsAskedFor = (index: PackageIndex) =>
  index.requests.filter(path => path.endsWith('.whl')).map(path => path.split('/').at(-1));

async function refusal(running: Promise<unknown>): Promise<string> {
  return explain(
    await running.then(
      () => assert.fail('it was done'),
      error => error,
    ),
  );
}

test('--unpacked downloads each new wheel once, whatever it is for', async context => {
  const { index, bench, want } = await scene(context, ['torch', 'einops']);
  const [a, b, shared] = [torch('2.10.0'), torch('2.10.0', 'cp313'), pure].map(name =>
    index.publish('all', name, { padding: 10 * name.length }),
  );
  await bench.run();
  assert.deepEqual(
    [index.sent(), new Set(Object.values(await trees(bench)))],
    [0, new Set([undefined])],
  );

  const { changes } = await bench.run({ unpacked: true });
  assert.match(String(changes), /`torch`: the hash of its tree is known/);
  const of = async (bytes: Buffer = Buffer.alloc(0)) => (await treeOf(bench, bytes)).unpacked;
  const all = {
    'torch 3.12': await of(a),
    'torch 3.13': await of(b),
    'einops 3.12': await of(shared),
    'einops 3.13': await of(shared),
  };
  assert.deepEqual(await trees(bench), all);
  assert.deepEqual(wheelsAskedFor(index).sort(), [pure, torch('2.10.0'), torch('2.10.0', 'cp313')]);

  index.publish('all', torch('2.11.0'));
  await want('[[wheels.torch.except]]\npython = "3.12"\nversion = "2.11.0"\n');
  for (const unpacked of [false, true]) {
    index.requests.length = 0;
    await bench.run({ unpacked });
    const now = await trees(bench);
    assert.deepEqual({ ...now, 'torch 3.12': undefined }, { ...all, 'torch 3.12': undefined });
    assert.equal(now['torch 3.12'] === undefined, !unpacked);
    assert.deepEqual(wheelsAskedFor(index), unpacked ? [torch('2.11.0')] : []);
  }
});

test('a wheel whose digest nobody tells is downloaded once for its hash and its tree', async context => {
  const { index, bench } = await scene(context, ['einops']);
  index.behaviour.digests = false;
  const bytes = index.publish('all', pure);
  await bench.run({ unpacked: true });
  const { unpacked } = await treeOf(bench, bytes);
  assert.deepEqual(await trees(bench), { 'einops 3.12': unpacked, 'einops 3.13': unpacked });
  assert.equal(index.sent(), bytes.length);
});

test('a wheel that cannot be unpacked is one warning, and the lock works without its tree', async context => {
  const { index, bench } = await scene(context, ['einops']);
  index.publish('all', pure, { files: [['../x', 'x']] });
  assert.equal((await bench.run({ unpacked: true })).changed, true);
  assert.deepEqual(await trees(bench), { 'einops 3.12': undefined, 'einops 3.13': undefined });
  const [warning, ...more] = bench.said('warning').split('\n');
  assert.match(
    warning ?? '',
    /^einops-0\.8\.1-py3-none-any\.whl has no tree, .*\.\.\/x: its path has/,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(await bench.run({ unpacked: true, check: true }), {
    changed: false,
    changes: '',
  });
});

test('headers are left out, and the lock names them', async context => {
  const { index, bench } = await scene(context, ['einops']);
  index.publish('all', pure, { files: [['einops-0.8.1.data/headers/einops.h', 'x']] });
  await bench.run({ unpacked: true });
  for (const { pin } of allPins(await bench.lock())) {
    assert.deepEqual(pin.leftOut, ['einops-0.8.1.data/headers']);
  }
  const text = await bench.lockText();
  assert.equal((await bench.run()).changed, false);
  assert.equal(await bench.lockText(), text);
});

test('a file that is not the one that the index lists is an error', async context => {
  const { index, bench } = await scene(context, ['einops']);
  const bytes = index.publish('all', pure);
  bytes[40] = 0;
  const said = await refusal(bench.run({ unpacked: true }));
  assert.match(said, /^einops-\S+ is not the file that http\S+ lists\. The lock was left as it is/);
  await assert.rejects(bench.lock());
});

test('downloads that the disk has no room for are not begun', async context => {
  const { index, bench } = await scene(context, ['einops']);
  index.publish('all', pure, { toldSize: 2 ** 50 });
  const said = await refusal(bench.run({ unpacked: true }));
  assert.match(said, /^There is no room for the downloads: .*\n.*1125899\.9 GB/);
  assert.deepEqual(wheelsAskedFor(index), []);
});

test('--verify compares trees, too', async context => {
  const { index, bench } = await scene(context, ['einops']);
  index.publish('all', pure);
  await bench.run({ unpacked: true });
  assert.equal((await bench.run({ verify: true })).changed, false);
  const text = await bench.lockText();
  await writeFile(
    bench.lockFile,
    text.replaceAll(/"unpacked": "sha256-.{4}/g, '"unpacked": "sha256-AAAA'),
  );
  const said = await refusal(bench.run({ verify: true }));
  assert.match(
    said,
    /einops-\S+ \(cu130, cp312, .*\), its tree: expected sha256-AAAA\S+, found sha256-/,
  );
});
