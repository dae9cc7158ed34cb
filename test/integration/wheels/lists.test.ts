import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Failure } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import { type PackageIndex, sha256, startPackageIndex } from '../../tools/package-index.ts';
import { folderOfUv } from '../../tools/uv.ts';
import { type Workbench, workbench } from './workbench.ts';

/** An index, lists in a folder, and a uv. */
interface Setting {
  index: PackageIndex;
  bench: Workbench;
  /** Publishes a wheel for all platforms: "einops 0.8.2", with what it requires. */
  has(project: string, ...requires: string[]): Buffer;
  list(name: string, ...lines: string[]): Promise<void>;
  /** Writes wheels.toml: lists, and what follows. */
  want(lists: string[], more?: string): Promise<void>;
  /** Runs prefetch with uv, or with programs of this PATH. */
  run(changes?: { check?: boolean }, path?: string): Promise<{ changes?: unknown }>;
  /** "einops 0.8.2" of each wheel in the lock. */
  locked(): Promise<string[]>;
}

async function setUp(context: TestContext): Promise<Setting> {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  const bench = await workbench(context);
  const usual = `${folderOfUv()}:${process.env.PATH}`;
  return {
    index,
    bench,
    has: (project, ...requires) => {
      const [name = '', version = ''] = project.split(' ');
      return index.publish('pypi', `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`, {
        requires,
      });
    },
    list: (name, ...lines) => writeFile(join(bench.folder, name), `${lines.join('\n')}\n`),
    want: (lists, more = '') =>
      bench.want(
        `cuda = ["cu130"]\npython = ["3.13"]\npackage-index = "${index.url}/pypi"\n` +
          `requirements = ${JSON.stringify(lists)}\n${more}`,
      ),
    run: (changes = {}, path = usual) => bench.run(changes, { PATH: path, UV_HTTP_RETRIES: '0' }),
    locked: async () =>
      allPins(await bench.lock()).map(({ name, pin }) => `${name} ${pin.version}`),
  };
}

/** A folder of programs without uv. */
async function withoutUv({ bench }: Setting): Promise<string> {
  const folder = join(bench.folder, 'programs');
  await mkdir(folder, { recursive: true });
  return folder;
}

/** The failure's message, evidence and next step as one text. */
async function refusal(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return [error.message, ...(error.details.evidence ?? []), error.details.next].join('\n');
}

test('lists become a complete lock that says why each wheel is there', async context => {
  const setting = await setUp(context);
  const { has, list, want, run, locked, bench } = setting;
  has('app 1.0', 'Core_Lib>=1', 'win; sys_platform == "win32"');
  has('app 2.0', 'core-lib');
  has('core-lib 1.5');
  has('core-lib 2.0');
  has('qr 8.0', 'pic; extra == "pil"');
  has('pic 12.0');
  const hashed = has('hashed 1.0');
  await list(
    'requirements.txt',
    '\uFEFF# what it needs\r',
    'app<2  # not the second\r',
    '-r more/list.txt\r',
    '-c limits.txt\r',
    'old==1; python_version < "3.12"\r',
  );
  await mkdir(join(bench.folder, 'more'));
  await list(
    'more/list.txt',
    'qr[pil] \\',
    '  >=8',
    `hashed==1.0 --hash=sha256:${sha256(hashed)} --hash=sha256:${'0'.repeat(64)}`,
  );
  await list('limits.txt', 'core-lib<2', 'unused<1');
  await want(['requirements.txt'], '[layers]\napp = ["app", "co*"]\n');

  const { changes } = await run();
  assert.deepEqual(await locked(), ['app 1.0', 'core-lib 1.5', 'hashed 1.0', 'pic 12.0', 'qr 8.0']);
  assert.match(String(changes), /`core-lib`: added, 1\.5, required by app \(cu130 cp313\)/);
  const pins = new Map(allPins(await bench.lock()).map(({ name, pin }) => [name, pin]));
  assert.deepEqual(pins.get('pic')?.requiredBy, ['qr']);
  assert.deepEqual(pins.get('qr')?.requiredBy, ['more/list.txt']);
  assert.deepEqual(
    [...pins.values()].map(({ layer }) => layer),
    ['app', 'app', 'dependencies', 'dependencies', 'dependencies'],
  );
  assert.equal(pins.get('app')?.source, `${setting.index.url}/pypi`);
  assert.equal(pins.get('app')?.digest, 'index');

  const text = await bench.lockText();
  await run();
  assert.equal(await bench.lockText(), text, 'to the byte');
  await run({ check: true }, await withoutUv(setting));
  await list('limits.txt', 'core-lib<1.5');
  has('core-lib 1.4');
  await run();
  assert.ok((await locked()).includes('core-lib 1.4'));
});

test('a check says what a list asks for anew, and what nobody requires any more', async context => {
  const setting = await setUp(context);
  const { has, list, want, run } = setting;
  has('a 1.0');
  has('b 1.0');
  await list('list.txt', 'a');
  await want(['list.txt']);
  await run();
  await list('list.txt', 'a', 'b>=1');
  const path = await withoutUv(setting);
  assert.match(await refusal(run({ check: true }, path)), /it lacks b >=1 of list\.txt:2/);
  await run();
  await list('list.txt', 'b');
  assert.match(await refusal(run({ check: true }, path)), /stale[\s\S]*a: removed/);
});

test('versions that do not go together are told in words of uv, with the lines', async context => {
  const { has, list, want, run } = await setUp(context);
  has('a 1.0', 'c<2');
  has('b 1.0', 'c>=2');
  has('c 1.0');
  has('c 2.0');
  await list('one.txt', '', 'a');
  await list('two.txt', 'b==1.0');
  await want(['one.txt', 'two.txt']);
  const said = await refusal(run());
  assert.match(said, /Because all versions of a depend on c<2/);
  assert.match(said, /one\.txt:2: a\ntwo\.txt:1: b==1\.0/);
  await list('two.txt', 'b==2.0', 'b==1.0');
  assert.match(await refusal(run()), /two\.txt:2: b==1\.0: two\.txt:1 has b==2\.0; keep one/);
  await list('one.txt', 'b==1.0');
  await list('two.txt', 'b==2.0');
  assert.match(await refusal(run()), /two\.txt:1: b==2\.0: one\.txt:1 has b==1\.0; keep one/);
});

test('all lines that cannot be taken are told at once', async context => {
  const { list, want, run } = await setUp(context);
  await list(
    'list.txt',
    'a @ file:///home/me/a.whl',
    'fine',
    '-r gone.txt',
    'b ==',
    `$\{NAME}`,
    '-i https://me:secret@h/',
  );
  await want(['list.txt']);
  const said = await refusal(run());
  assert.match(said, /list\.txt:1: a @ file:.*an address/);
  assert.match(said, /list\.txt:3: there is no list gone\.txt/);
  assert.match(said, /list\.txt:4: b ==: it is no requirement/);
  assert.match(said, /list\.txt:5: .*environment variables/);
  assert.doesNotMatch(said, /secret/);
});

test('all projects without a wheel are told at once, and one that is skipped is not looked for', async context => {
  const { has, list, want, run, index, locked } = await setUp(context);
  has('a 1.0', 'deep');
  for (const name of ['deep', 'flat']) {
    index.publish('pypi', `${name}-1.0-cp313-cp313-win_amd64.whl`);
  }
  await list('list.txt', 'a', 'flat');
  await want(['list.txt']);
  const said = await refusal(run());
  assert.match(said, /list\.txt:2: flat .*write \[sources\.flat\].*\[wheels\.flat\] skip = true/);
  assert.match(said, /deep: .*a/);
  await want(['list.txt'], '[wheels.deep]\nskip = true\n[wheels.flat]\nskip = true\n');
  await run();
  assert.deepEqual(await locked(), ['a 1.0']);
});

test('what nixpkgs provides is not locked, and has to suit', async context => {
  const { has, list, want, run, locked, index } = await setUp(context);
  has('a 1.0', 'num>=2');
  has('a 2.0', 'num>=3', 'unknown');
  await list('list.txt', 'a', 'num');
  await want(['list.txt'], '[provided]\nNum = "2.3.4"\nunknown = "1"\n');
  await run();
  assert.deepEqual(await locked(), ['a 1.0'], 'the newest that goes with it');
  assert.deepEqual(
    index.requests.filter(path => path === '/pypi/num/'),
    [],
    'it is not looked for',
  );
  await list('list.txt', 'a>=2');
  await want(['list.txt'], '[provided]\nnum = "2.3.4"\nunknown = "1"\n');
  assert.match(await refusal(run()), /a.* depends on num>=3/);
});

test('where all is pinned and nothing is missing nobody has to choose', async context => {
  const setting = await setUp(context);
  const { has, list, want, run, locked, bench } = setting;
  has('a 1.0', 'b');
  has('b 1.0');
  has('b 2.0');
  await list('list.txt', 'a==1.0', 'b == 1.0');
  await want(['list.txt']);
  const path = await withoutUv(setting);
  await run({}, path);
  assert.deepEqual(await locked(), ['a 1.0', 'b 1.0']);
  const text = await bench.lockText();
  await list('list.txt', 'a==1.0');
  assert.match(await refusal(run({}, path)), /uv, which chooses versions, is not on PATH/);
  assert.equal(await bench.lockText(), text);
  await run();
  assert.deepEqual(await locked(), ['a 1.0', 'b 2.0']);
});

test('without lists the lock has what wheels.toml names, and uv chooses what that leaves open', async context => {
  const setting = await setUp(context);
  const { has, run, locked, bench, index } = setting;
  has('a 1.0', 'nobody-has-it');
  has('a 2.0', 'nobody-has-it');
  has('b 1.0', 'a<2');
  has('early 1.0rc1');
  const want = (...lines: string[]) =>
    bench.want(
      `cuda = ["cu130"]\npython = ["3.13"]\nindex = "${index.url}/pypi"\n${lines.join('\n')}`,
    );
  await want('[wheels.a]', 'version = ">=1,<2"', '[wheels.b]', '[wheels.early]');
  const path = await withoutUv(setting);
  assert.match(await refusal(run({}, path)), /uv.*is not on PATH[\s\S]*pin every version with ==/);
  await run();
  assert.deepEqual(await locked(), ['a 1.0', 'b 1.0', 'early 1.0rc1'], 'no other version is there');
  await run({ check: true }, path);
  const pins = async () => allPins(await bench.lock()).slice(0, 2);
  const byUv = await pins();
  await want('[wheels.a]', 'version = "1.0"', '[wheels.b]', 'version = "1.0"');
  await run({}, path);
  assert.deepEqual(await pins(), byUv, 'written by hand they are the same');
  await want('[wheels.a]', '[wheels.b]');
  assert.match(await refusal(run()), /b 1\.0 needs a <2, but the set has 2\.0/);
});

test('a version that was withdrawn is taken where it is written alone', async context => {
  const { list, want, run, locked, index } = await setUp(context);
  index.publish('pypi', 'a-1.0-py3-none-any.whl', { yanked: true });
  await want(['list.txt']);
  await list('list.txt', 'a');
  assert.match(await refusal(run()), /yanked[\s\S]*list\.txt:1: a/);
  await list('list.txt', 'a==1.0');
  await run();
  assert.deepEqual(await locked(), ['a 1.0']);
});

test('where wheels.toml knows better than the metadata, uv is told so', async context => {
  const { has, list, want, run, locked, index } = await setUp(context);
  index.publish('own', 'vision-1.0-py3-none-any.whl', { requires: ['torch<2'] });
  has('torch 1.0');
  has('torch 2.0');
  await list('list.txt', 'vision', 'torch>=2');
  const rule = `[wheels.vision]\nindex = "${index.url}/own"\n`;
  await want(['list.txt'], rule);
  assert.match(await refusal(run()), /vision.* depends on torch<2/);
  await want(['list.txt'], `${rule}ignore-requirements = ["torch"]\n`);
  await run();
  assert.deepEqual(await locked(), ['torch 2.0', 'vision 1.0']);
  await run({ check: true });
});

test('a uv that is too old is not asked', async context => {
  const setting = await setUp(context);
  setting.has('a 1.0');
  await setting.list('list.txt', 'a');
  await setting.want(['list.txt']);
  const path = await withoutUv(setting);
  await writeFile(join(path, 'uv'), '#!/bin/sh\necho uv 0.9.5\n', { mode: 0o755 });
  const said = await refusal(setting.run({}, path));
  assert.match(said, /uv 0\.9\.5 is too old: 0\.11\.0 is the first/);
});

test('an index that is down leaves what the lock has; a check cannot tell', async context => {
  const { has, list, want, run, index, bench, locked } = await setUp(context);
  has('a 1.0', 'b');
  has('b 1.0');
  await list('list.txt', 'a');
  await want(['list.txt']);
  await run();
  const text = await bench.lockText();
  index.behaviour.answer = () => ({ status: 503 });
  await run();
  assert.equal(await bench.lockText(), text);
  assert.match(bench.said('warning'), /did not answer uv[\s\S]*stays as it is: a, b/);
  assert.match(await refusal(run({ check: true })), /cannot be told/);
  assert.deepEqual(await locked(), ['a 1.0', 'b 1.0']);
});

test('many projects that an index does not tell are one line, with what uv says of it', async context => {
  const { list, want, run, index } = await setUp(context);
  await list('list.txt', ...['a', 'b', 'c', 'd', 'e', 'f']);
  await want(['list.txt']);
  index.behaviour.answer = () => ({ status: 503 });
  const said = await refusal(run());
  assert.match(said, /^ *6 projects: An index did not answer uv: http\S+\/pypi\/\w\/ \(.*503/m);
});

test('an index that wants a login says so, to uv and without it', async context => {
  const setting = await setUp(context);
  const { list, want, run, index } = setting;
  index.behaviour.answer = () => ({ status: 401 });
  await list('list.txt', 'a');
  await want(['list.txt']);
  assert.match(await refusal(run()), /An index wants a login \(401.*\n.*\/pypi.*[\s\S]*~\/\.netrc/);
  await list('list.txt', 'a==1');
  const path = await withoutUv(setting);
  assert.match(await refusal(run({}, path)), /pypi\/a\/ wants a login \(401\)/);
});

test('a project without a wheel for one of the variants names that one', async context => {
  const { list, want, run, bench, index } = await setUp(context);
  index.publish('pypi', 'a-1.0-cp313-cp313-manylinux_2_28_x86_64.whl');
  await list('list.txt', 'a');
  await want(['list.txt']);
  await bench.want(
    `cuda = ["cu130"]\npython = ["3.12", "3.13"]\npackage-index = "${index.url}/pypi"\n` +
      'requirements = ["list.txt"]\n',
  );
  const said = await refusal(run());
  assert.match(said, /cp312, x86_64-linux/);
  assert.doesNotMatch(said, /cp313, x86_64-linux/);
});

test('a page that may be kept is asked for once, however many variants there are', async context => {
  const { has, list, run, bench, index } = await setUp(context);
  index.behaviour.maxAge = 600;
  for (const name of ['a', 'b', 'c']) has(`${name} 1.0`);
  await list('list.txt', 'a', 'b', 'c');
  await bench.want(
    `cuda = ["cu126", "cu128", "cu130"]
python = ["3.12", "3.13"]
index = "${index.url}/pypi"
` +
      `package-index = "${index.url}/pypi"
requirements = ["list.txt"]
`,
  );
  await run();
  const pages = index.requests.filter(each => each.endsWith('/'));
  assert.deepEqual(pages.sort(), ['/pypi/a/', '/pypi/b/', '/pypi/c/']);
});

test('a pylock.toml is taken as it is, for its Python', async context => {
  const setting = await setUp(context);
  const { has, list, want, run, locked, index } = setting;
  const bytes = has('a 1.0');
  const locks = (python: string) =>
    list(
      'pylock.cp313.toml',
      `lock-version = "1.0"\ncreated-by = "hand"\nrequires-python = "${python}"`,
      '[[packages]]\nname = "A"\nversion = "1.0"',
      `wheels = [{ url = "${index.url}/pypi/a-1.0-py3-none-any.whl", hashes = { sha256 = "${sha256(bytes)}" } }]`,
      '[[packages]]\nname = "win"\nversion = "1.0"\nmarker = "os_name == \'nt\'"',
    );
  await locks('>=3.13');
  await want(['pylock.{cp}.toml']);
  await run({}, await withoutUv(setting));
  assert.deepEqual(await locked(), ['a 1.0']);
  await locks('==3.12.*');
  assert.match(await refusal(run()), /is for Python ==3\.12\.\*, and the variant has 3\.13/);
});

test('one kind of OpenCV stands for the others', async context => {
  const { has, list, want, run, locked } = await setUp(context);
  has('opencv-python 5.0');
  has('opencv-contrib-python-headless 5.0');
  has('a 1.0', 'opencv-python>=4');
  await list('list.txt', 'a', 'opencv-contrib-python-headless');
  await want(['list.txt']);
  const said = await refusal(run());
  assert.match(said, /opencv-contrib-python-headless, required by list\.txt[\s\S]*instead = /);
  const kept = '"opencv-contrib-python-headless"';
  await want(['list.txt'], `[wheels.opencv-python]\ninstead = ${kept}\n`);
  await run();
  assert.deepEqual(await locked(), ['a 1.0', 'opencv-contrib-python-headless 5.0']);
});

test('a project of wheels.toml comes from its own index, what it requires from the usual one', async context => {
  const { has, list, want, run, bench, index } = await setUp(context);
  has('numpy 2.0');
  has('torch 2.11.0');
  const file = 'torch-2.10.0+cu130-cp313-cp313-manylinux_2_28_x86_64.whl';
  index.publish('cu130', file, { requires: ['numpy'] });
  await list('list.txt', 'torch');
  await want(['list.txt'], `[wheels.torch]\nindex = "${index.url}/{cuda}"\n`);
  await run();
  const pins = new Map(allPins(await bench.lock()).map(({ name, pin }) => [name, pin]));
  assert.equal(pins.get('torch')?.source, `${index.url}/cu130`);
  assert.equal(pins.get('torch')?.version, '2.10.0+cu130');
  assert.equal(pins.get('numpy')?.source, `${index.url}/pypi`);
  assert.deepEqual(pins.get('torch')?.requiredBy, ['list.txt', 'wheels.toml']);
});

test('a list may name more indexes, and wheels by their addresses', async context => {
  const { list, want, run, bench, index } = await setUp(context);
  index.publish('other', 'only-1.0-py3-none-any.whl');
  index.publish('files', 'direct-3.0-py3-none-any.whl', { requires: ['only'] });
  await list(
    'list.txt',
    `--extra-index-url ${index.url}/other/`,
    `direct @ ${index.url}/files/direct-3.0-py3-none-any.whl ; python_version > "3"`,
  );
  await want(['list.txt']);
  await run();
  const pins = new Map(allPins(await bench.lock()).map(({ name, pin }) => [name, pin]));
  assert.equal(pins.get('direct')?.source, `${index.url}/files`);
  assert.equal(pins.get('direct')?.digest, 'download');
  assert.equal(pins.get('only')?.source, `${index.url}/other`);
});

test('a uv.lock is taken as it is', async context => {
  const { has, list, want, run, locked, bench, index } = await setUp(context);
  has('a 1.0', 'b');
  has('b 1.0');
  await list(
    'pyproject.toml',
    '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["a"]',
    `[[tool.uv.index]]\nurl = "${index.url}/pypi"\ndefault = true`,
  );
  const env = { HOME: bench.folder, PATH: process.env.PATH ?? '' };
  await promisify(execFile)(`${folderOfUv()}/uv`, ['lock', '--quiet'], { cwd: bench.folder, env });
  has('b 2.0');
  await want(['uv.lock']);
  await run();
  assert.deepEqual(await locked(), ['a 1.0', 'b 1.0']);
});

test('a Git address of a list is a source that is built, with what building takes', async context => {
  const { list, want, run, bench, has } = await setUp(context);
  has('a 1.0', 'node>=1');
  const folder = join(bench.folder, 'Some_Node');
  await mkdir(folder);
  const requires = 'requires = ["Hatchling>=1", "setuptools", "pkg; os_name == \'nt\'"]';
  await list('Some_Node/pyproject.toml', `[build-system]\n${requires}`);
  const git = (...args: string[]) =>
    promisify(execFile)('git', [
      '-C',
      folder,
      '-c',
      'user.name=T',
      '-c',
      'user.email=t@t',
      ...args,
    ]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'one');
  await list('list.txt', 'a', `git+file://${folder}#egg=node`);
  await want(['list.txt']);
  await run();
  const { node } = (await bench.lock()).sources;
  assert.ok(node && 'rev' in node);
  assert.equal(node.ref, 'HEAD');
  assert.match(node.rev, /^[0-9a-f]{40}$/);
  assert.deepEqual(node.buildRequires, ['hatchling', 'setuptools']);
  const text = await bench.lockText();
  await run();
  assert.equal(await bench.lockText(), text);
});
