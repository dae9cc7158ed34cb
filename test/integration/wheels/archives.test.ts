import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import { type PackageIndex, sri, startPackageIndex } from '../../tools/package-index.ts';
import { runProgram } from '../../tools/programs.ts';
import { folderOfUv } from '../../tools/uv.ts';
import { zip } from '../../tools/zip.ts';
import { type Workbench, workbench } from './workbench.ts';

interface Setting {
  index: PackageIndex;
  bench: Workbench;
  /** A tar as those that write source archives make it: one folder of this name. */
  tar(name: string, files: Record<string, string>): Promise<Buffer>;
  /** Wants a list with these lines, and what follows in wheels.toml. */
  want(lines: readonly string[], more?: string): Promise<void>;
  run(changes?: Parameters<Workbench['run']>[0]): Promise<unknown>;
  /** "einops 0.8.2" of each wheel in the lock. */
  locked(): Promise<string[]>;
}

async function setUp(context: TestContext): Promise<Setting> {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  const bench = await workbench(context);
  return {
    index,
    bench,
    tar: async (name, files) => {
      for (const [file, text] of Object.entries(files)) {
        await mkdir(dirname(join(bench.folder, name, file)), { recursive: true });
        await writeFile(join(bench.folder, name, file), text);
      }
      const file = join(bench.folder, `${name}.tar.gz`);
      await runProgram('tar', ['-C', bench.folder, '-czf', file, name]);
      return readFile(file);
    },
    want: async (lines, more = '') => {
      await writeFile(join(bench.folder, 'list.txt'), `${lines.join('\n')}\n`);
      await bench.want(
        `cuda = ["cu130"]\npython = ["3.12", "3.13"]\npackage-index = "${index.url}/pypi"\n` +
          `requirements = ["list.txt"]\n${more}`,
      );
    },
    run: changes => bench.run(changes, { PATH: `${folderOfUv()}:${process.env.PATH}` }),
    locked: async () =>
      allPins(await bench.lock()).map(
        ({ name, pin, variant }) => `${name} ${pin.version} ${variant.python}`,
      ),
  };
}

const refusal = (running: Promise<unknown>): Promise<string> =>
  running.then(
    () => assert.fail('it succeeded'),
    error => explain(error),
  );

const scale = {
  'pyproject.toml': '[build-system]\nrequires = ["setuptools>=40", "wheel"]\n',
  'PKG-INFO': 'Metadata-Version: 2.1\nName: fair-scale\nVersion: 0.4\n',
  'fair_scale.egg-info/requires.txt': 'numpy>=1.22\n',
};

test('what has no wheel is built from the source archive that wheels.toml names', async context => {
  const { index, bench, tar, want, run, locked } = await setUp(context);
  const bytes = await tar('fair_scale-0.4', scale);
  index.add('pypi', 'fair_scale-0.4.tar.gz', bytes);
  index.publish('pypi', 'numpy-2.0-py3-none-any.whl');
  index.publish('pypi', 'numpy-1.0-py3-none-any.whl');
  index.publish('pypi', 'app-1.0-py3-none-any.whl', { requires: ['fair-scale>=0.3'] });
  await want(['app', 'fair_scale==0.4']);
  const said = await refusal(run());
  assert.match(
    said,
    /list\.txt:2: fair_scale==0\.4 .*write \[sources\.fair-scale\] version = "0\.4"/,
  );
  await want(['app', 'fair_scale==0.4'], '[sources.fair-scale]\nversion = "0.4"\n');
  const { changes } = (await run()) as { changes: string };
  assert.match(changes, /`fair-scale`: added, 0\.4$/m);
  assert.deepEqual((await bench.lock()).sources['fair-scale'], {
    url: `${index.url}/pypi/fair_scale-0.4.tar.gz`,
    version: '0.4',
    hash: sri(bytes),
    size: bytes.length,
    source: `${index.url}/pypi`,
    digest: 'index',
    buildRequires: ['setuptools', 'wheel'],
    requires: ['numpy>=1.22'],
  });
  assert.deepEqual(await locked(), [
    ...['app 1.0 3.12', 'numpy 2.0 3.12'],
    ...['app 1.0 3.13', 'numpy 2.0 3.13'],
  ]);
  const numpy = allPins(await bench.lock()).find(({ name }) => name === 'numpy');
  assert.deepEqual(numpy?.pin.requiredBy, ['fair-scale']);

  const text = await bench.lockText();
  index.requests.length = 0;
  await run();
  await run({ check: true });
  await run({ verify: true });
  assert.equal(await bench.lockText(), text);
  const downloads = index.requests.filter(path => path.endsWith('.tar.gz'));
  assert.equal(downloads.length, 1, 'by --verify alone');

  await want(['app', 'fair_scale>=0.5'], '[sources.fair-scale]\nversion = "0.4"\n');
  assert.match(await refusal(run()), /fair.scale ?>=0\.5|0\.4 is there/);
  await want(['app'], '[sources.fair-scale]\nversion = "0.5"\n');
  assert.match(await refusal(run()), /no source archive of fair-scale 0\.5\.\n.*those of 0\.4/);
});

test('an archive may be named by its address, in a list or in wheels.toml, as a tar or a zip', async context => {
  const { index, bench, tar, want, run, locked } = await setUp(context);
  const first = await tar('one-1.0', {
    'pyproject.toml':
      '[project]\nname = "one"\nversion = "1.0"\ndependencies = ["dep; python_version < \'3.13\'"]\n',
  });
  const second = zip(
    Object.entries({
      'two-2.0/PKG-INFO': 'Metadata-Version: 2.4\nName: two\nVersion: 2.0\nRequires-Dist: one\n\n',
      'two-2.0/setup.py': '',
    }).map(([name, text]) => [name, Buffer.from(text)] as const),
    'deflated',
  );
  index.add('files', 'one-1.0.tar.gz', first);
  index.add('files', 'v2.zip', second);
  index.publish('pypi', 'dep-1.0-py3-none-any.whl');
  const line = `one @ ${index.url}/files/one-1.0.tar.gz`;
  const table = `[sources.two]\nurl = "${index.url}/files/v2.zip"\n`;
  await want([line], table);
  await run();
  const { sources } = await bench.lock();
  assert.deepEqual(
    Object.values(sources).map(({ hash, digest, requires }) => [hash, digest, requires]),
    [
      [sri(first), 'download', ["dep; python_version < '3.13'"]],
      [sri(second), 'download', ['one']],
    ],
  );
  assert.deepEqual(await locked(), ['dep 1.0 3.12']);
  await want([`${line}#sha256=${'0'.repeat(64)}`]);
  assert.match(await refusal(run()), /one-1\.0\.tar\.gz is not the file that is told/);
  assert.match(await refusal(run({ check: true })), /it lacks one-1\.0\.tar\.gz of the source one/);
});

test('an archive that cannot be read is named, and an index that is down leaves the lock', async context => {
  const { index, bench, tar, want, run } = await setUp(context);
  index.add('pypi', 'broken-1.0.tar.gz', Buffer.from('<html>nothing</html>'));
  await want([], '[sources.broken]\nversion = "1.0"\n');
  assert.match(await refusal(run()), /^The source broken cannot be read: broken-1\.0\.tar\.gz/);
  index.add('pypi', 'whole-1.0.tar.gz', await tar('whole-1.0', { 'setup.py': '' }));
  await want([], '[sources.whole]\nversion = "1.0"\n');
  await run();
  const text = await bench.lockText();
  index.behaviour.answer = () => ({ status: 503 });
  await run();
  assert.equal(await bench.lockText(), text);
  assert.match(bench.said('warning'), /answered 503\. What the lock has stays as it is: whole/);
  assert.match(await refusal(run({ check: true })), /cannot be told/);
});
