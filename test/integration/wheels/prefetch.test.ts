import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import {
  type IndexBehaviour,
  type PackageIndex,
  sri,
  startPackageIndex,
} from '../../tools/package-index.ts';
import { workbench } from './workbench.ts';

const torch = (version: string, cuda: string, tag = 'cp312') =>
  `torch-${version}+${cuda}-${tag}-${tag}-manylinux_2_28_x86_64.whl`;

async function packageIndex(
  context: TestContext,
  changes: Partial<IndexBehaviour> = {},
): Promise<PackageIndex> {
  const index = await startPackageIndex(changes);
  context.after(() => index.stop());
  return index;
}

/** What is wanted of `index`, whose folders are named by CUDA. */
function wanted(index: PackageIndex, wheels: string, top = 'cuda = ["cu130"]\npython = ["3.12"]') {
  return `${top}\nindex = "${index.url}/{cuda}"\n${wheels}`;
}

/** The failure's message and evidence as one text. */
async function refusal(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return [error.message, ...(error.details.evidence ?? []), error.details.next].join('\n');
}

for (const format of ['json', 'html'] as const) {
  test(`a lock from an index in ${format}, without downloading a wheel`, async context => {
    const index = await packageIndex(context, { format });
    const bench = await workbench(context);
    const files = new Map<string, Buffer>();
    for (const cuda of ['cu126', 'cu130']) {
      for (const tag of ['cp312', 'cp313']) {
        const name = torch('2.10.0', cuda, tag);
        files.set(name, index.publish(cuda, name));
        index.publish(cuda, torch('2.9.1', cuda, tag));
        index.publish(cuda, torch('2.11.0rc1', cuda, tag));
      }
      index.publish(cuda, torch('2.10.0', cuda, 'cp311'));
      index.publish(cuda, torch('2.10.0', cuda).replace('manylinux_2_28_x86_64', 'win_amd64'));
    }
    await bench.want(
      wanted(
        index,
        '[wheels.torch]\nversion = "2.10.0"',
        'cuda = ["cu126", "cu130"]\npython = ["3.12", "3.13"]',
      ),
    );
    assert.deepEqual(await bench.run(), {
      changed: true,
      changes: '- `torch`: added, 2.10.0 (cu126 cp312, cu126 cp313, cu130 cp312, cu130 cp313)',
    });
    const pins = allPins(await bench.lock());
    assert.equal(pins.length, 4);
    for (const { variant, pin } of pins) {
      const name = torch('2.10.0', variant.cuda, `cp${variant.python.replace('.', '')}`);
      assert.deepEqual(pin, {
        version: `2.10.0+${variant.cuda}`,
        url: `${index.url}/${variant.cuda}/${encodeURIComponent(name)}`,
        hash: sri(files.get(name) ?? Buffer.alloc(0)),
        size: format === 'json' ? files.get(name)?.length : null,
        source: `${index.url}/${variant.cuda}`,
        digest: 'index',
      });
      assert.match(pin.url, /%2B/);
    }
    assert.equal(index.sent(), 0);
    const pages = index.requests.filter(path => path.endsWith('/'));
    assert.deepEqual(pages.sort(), ['/cu126/torch/', '/cu130/torch/']);
  });
}

test('what has not changed is written again to the byte, and says so', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const text = await bench.lockText();
  assert.deepEqual(await bench.run(), { changed: false, changes: '' });
  assert.equal(await bench.lockText(), text);
  assert.match(bench.said(), /The lock has 1 wheel, nothing changed/);
});

test('without digests wheels are downloaded, once, and hashed', async context => {
  const index = await packageIndex(context, { digests: false });
  const bench = await workbench(context);
  const bytes = index.publish('cu130', torch('2.10.0', 'cu130'), { padding: 300_000 });
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const [{ pin } = assert.fail()] = allPins(await bench.lock());
  assert.equal(pin.hash, sri(bytes));
  assert.equal(pin.size, bytes.length);
  assert.equal(pin.digest, 'download');
  assert.equal(index.sent(), bytes.length);
  await bench.run();
  assert.equal(index.sent(), bytes.length, 'the lock knows it already');
});

test('a cut connection is resumed where it broke', async context => {
  const index = await packageIndex(context, { digests: false, cuts: [100_000, 150_000] });
  const bench = await workbench(context);
  const bytes = index.publish('cu130', torch('2.10.0', 'cu130'), { padding: 400_000 });
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const [{ pin } = assert.fail()] = allPins(await bench.lock());
  assert.equal(pin.hash, sri(bytes));
  assert.ok(index.requests.some(request => /bytes=[1-9]\d*-$/.test(request)));
});

test('--verify finds a file that is not what the index says', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run({ verify: true });
  const text = await bench.lockText();
  const lie = text.replace(/sha256-.{4}/, 'sha256-AAAA');
  index.behaviour.digests = false;
  await writeFile(bench.lockFile, lie);
  const said = await refusal(bench.run({ verify: true }));
  assert.match(said, /torch-2\.10\.0\+cu130-.*: expected sha256-AAAA.*, found sha256-/);
  assert.equal(await bench.lockText(), lie);
});

test('a pin that was only copied is confirmed by the index, or put right', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  const bytes = index.publish('cu130', torch('2.10.0', 'cu130'));
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const unsure = (await bench.lockText())
    .replace('"index"', '"unconfirmed",\n"note": "seen once"')
    .replace(sri(bytes), sri(Buffer.from('something else')));
  await writeFile(bench.lockFile, unsure);
  await bench.run();
  const [{ pin } = assert.fail()] = allPins(await bench.lock());
  assert.deepEqual([pin.hash, pin.digest, pin.note], [sri(bytes), 'index', undefined]);
});

test('a digest that changed under the same name is a loud error, and the lock stays', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  const name = 'xformers-0.0.35-py39-none-manylinux_2_28_x86_64.whl';
  index.publish('cu130', name);
  await bench.want(wanted(index, '[wheels.xformers]\nversion = "0.0.35"'));
  await bench.run();
  const text = await bench.lockText();
  index.publish('cu130', name, { padding: 10 });
  const said = await refusal(bench.run());
  assert.match(said, /^Files have changed under the same name\. The lock was left as it is\.\n/);
  assert.match(said, /xformers-0\.0\.35-.*cu130, cp312.*: the lock has sha256-.* now has sha256-/);
  assert.equal(await bench.lockText(), text);
  assert.match(await refusal(bench.run({ check: true })), /have changed under the same name/);
});

test('a wheel that vanished is named, with the nearest that exists', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  for (const version of ['2.9.1', '2.10.0', '2.10.1']) {
    index.publish('cu130', torch(version, 'cu130'));
  }
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const text = await bench.lockText();
  index.remove('cu130', torch('2.10.0', 'cu130'));
  const said = await refusal(bench.run());
  assert.match(said, /torch \(cu130, cp312, x86_64-linux\): .* has no torch ==2\.10\.0 for it/);
  assert.match(said, /the nearest is 2\.9\.1\+cu130 or 2\.10\.1\+cu130\. The lock's own file has/);
  assert.equal(await bench.lockText(), text);
});

test('a project without a wheel for the variant: what there is, and how to leave it out', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  const only = 'sageattention-2.2.0-cp313-cp313-linux_x86_64.whl';
  index.publish('cu130', only);
  await bench.want(wanted(index, '[wheels.sageattention]\nversion = "2.2.0"'));
  const said = await refusal(bench.run());
  assert.match(said, /no wheel of sageattention for this variant; the nearest is sageattention-2/);
  assert.match(said, /an exception with skip = true/);
  await bench.want(
    wanted(
      index,
      '[wheels.sageattention]\nversion = "2.2.0"\n[[wheels.sageattention.except]]\npython = "3.12"\nskip = true',
      'cuda = ["cu130"]\npython = ["3.12", "3.13"]',
    ),
  );
  await bench.run();
  assert.deepEqual(
    allPins(await bench.lock()).map(({ variant }) => variant.python),
    ['3.13'],
  );
});

test('a project that the index does not have', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  await bench.want(wanted(index, '[wheels.torhc]\nversion = "2"'));
  assert.match(await refusal(bench.run()), /\/cu130 has no project torhc \(it answered 404\)/);
});

test('an index that answers an error in HTML is told from an empty one', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  const body =
    '<html><head><title>Please log in</title></head><body><a href="/">x</a></body></html>';
  index.behaviour.answer = () => ({ status: 200, body });
  const said = await refusal(bench.run());
  assert.match(said, /Run it again where these servers can be reached/);
  assert.match(said, /torch\/ is no page of a package index: .* titled "Please log in"/);
});

test('an index that cannot be reached leaves the lock usable; --check says it', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const text = await bench.lockText();
  index.behaviour.answer = () => ({ status: 503, body: '<h1>busy</h1>' });
  assert.deepEqual(await bench.run(), { changed: false, changes: '' });
  assert.match(bench.said('warning'), /answered 503\. What the lock has stays as it is: torch\./);
  assert.match(await refusal(bench.run({ check: true })), /stale cannot be told/);
  await bench.want(
    wanted(index, '[wheels.torch]\nversion = "2.10.0"\n[wheels.torchvision]\nversion = "0.24.1"'),
  );
  assert.match(await refusal(bench.run()), /torchvision .*answered 503/);
  await index.stop();
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  assert.match(
    bench.said('warning'),
    /connection to http:\/\/127\.0\.0\.1:\d+ failed: connect ECONNREFUSED/,
  );
  assert.equal(await bench.lockText(), text);
});

test('--check: stale is exit code 1, and nothing is written', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  const want = (version: string) =>
    bench.want(wanted(index, `[wheels.torch]\nversion = "${version}"`));
  await want('2.10.0');
  assert.match(await refusal(bench.run({ check: true })), /is stale\.\ntorch: added, 2\.10\.0/);
  await assert.rejects(readFile(bench.lockFile));
  await bench.run();
  await bench.run({ check: true });
  index.publish('cu130', torch('2.11.0', 'cu130'));
  await want('>=2.10');
  await bench.run({ check: true });
  await want('>2.10');
  assert.match(await refusal(bench.run({ check: true })), /it lacks torch >2\.10 of wheels\.toml/);
  await want('2.11.0');
  assert.match(await refusal(bench.run({ check: true })), /torch: 2\.10\.0 → 2\.11\.0/);
  index.behaviour.digests = false;
  const said = await refusal(bench.run({ check: true }));
  assert.match(said, /it lacks torch-2\.11\.0\+cu130-cp312/);
  assert.equal(index.sent(), 0);
});

test('partners that do not go together are named, by their metadata or by the known pairs', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  const vision = 'torchvision-0.24.1+cu130-cp312-cp312-manylinux_2_28_x86_64.whl';
  index.publish('cu130', vision, { requires: ['numpy', 'torch==2.9.1'] });
  await bench.want(
    wanted(index, '[wheels.torch]\nversion = "2.10.0"\n[wheels.torchvision]\nversion = "0.24.1"'),
  );
  const clash =
    /cu130, cp312, x86_64-linux: torchvision 0\.24\.1\+cu130 needs torch (.*), but .* 2\.10\.0\+cu130/;
  assert.equal(clash.exec(await refusal(bench.run()))?.[1], '==2.9.1');
  index.behaviour.metadata = false;
  index.behaviour.digests = false;
  assert.equal(clash.exec(await refusal(bench.run()))?.[1], '==2.9.*');
  assert.equal(index.sent(), 0, 'it was downloaded before it was looked at');
  await bench.want(
    wanted(
      index,
      '[wheels.torch]\nversion = "2.10.0"\n[wheels.torchvision]\nversion = "0.24.1"\nignore-requirements = ["torch"]',
    ),
  );
  await bench.run();
  assert.equal(allPins(await bench.lock()).length, 2);
});

test('a broken lock and a broken wheels.toml: file, line, what to do', async context => {
  const index = await packageIndex(context);
  const bench = await workbench(context);
  index.publish('cu130', torch('2.10.0', 'cu130'));
  await bench.want(wanted(index, '[wheels.torch]\nversion = "2.10.0"'));
  await bench.run();
  const text = await bench.lockText();
  await writeFile(bench.lockFile, text.replace('"size"', 'size'));
  assert.match(
    await refusal(bench.run()),
    /wheels\.lock\.json:11: this is no JSON: .*\n.*delete it/,
  );
  await writeFile(bench.lockFile, text.replace('"index"', '"guess"'));
  assert.match(
    await refusal(bench.run()),
    /:9: .*torch\.digest: expected index, release, .* "guess"/,
  );
  await bench.want(wanted(index, '[wheels.torch\n'));
  assert.match(await refusal(bench.run()), /wheels\.toml:4: this is no TOML: /);
  await bench.want(wanted(index, '[wheels.torch]\nverison = "2.10.0"'));
  assert.match(
    await refusal(bench.run()),
    /wheels\.toml:5: .*: there is no such key; did you mean version/,
  );
});
