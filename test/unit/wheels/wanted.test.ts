import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Variant } from '../../../src/wheels/variant.ts';
import { parseWanted } from '../../../src/wheels/wanted.ts';

const variant: Variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };
const top = 'cuda = ["cu130"]\npython = ["3.12"]\n';

function wheel(toml: string, changes: Partial<Variant> = {}) {
  return parseWanted(top + toml, 'wheels.toml').wheels({ ...variant, ...changes })[0];
}

function refusal(toml: string): string {
  try {
    parseWanted(toml, 'wheels.toml');
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return [error.message, ...(error.details.evidence ?? [])].join('\n');
  }
  assert.fail('it was taken');
}

test('the defaults: x86_64-linux, and the index of PyTorch for the CUDA', () => {
  const wanted = parseWanted(`${top}[wheels.Flash_Attn]\n`, 'wheels.toml');
  assert.deepEqual(wanted.variants, [variant]);
  assert.equal(wanted.githubApi, 'https://api.github.com');
  assert.deepEqual(wanted.wheels(variant), [
    {
      name: 'flash-attn',
      versions: '',
      origin: { kind: 'index', url: 'https://download.pytorch.org/whl/cu130' },
      ignoredRequirements: [],
    },
  ]);
});

test('a bare version is that very version, a range stays one', () => {
  const versions = (text: string) => wheel(`[wheels.x]\nversion = "${text}"`)?.versions;
  assert.equal(versions('2.10.0'), '==2.10.0');
  assert.equal(versions('2.10.0+cu130'), '==2.10.0+cu130');
  assert.equal(versions('>=2.10, <3'), '>=2.10, <3');
  assert.equal(versions('*'), '');
});

test('origins, with the variant filled in', () => {
  assert.deepEqual(wheel('[wheels.x]\nindex = "https://a.example/{cuda}/{cp}/"')?.origin, {
    kind: 'index',
    url: 'https://a.example/cu130/cp312',
  });
  assert.deepEqual(wheel('[wheels.x]\nrelease = "o/n@v1-{cuda}-py{python}@2"')?.origin, {
    kind: 'release',
    repository: 'o/n',
    tag: 'v1-cu130-py3.12@2',
  });
  assert.deepEqual(wheel('[wheels.x]\nrelease = "o/n"')?.origin, {
    kind: 'release',
    repository: 'o/n',
    tag: undefined,
  });
});

test('exceptions are laid over in order, where all that they name matches', () => {
  const toml = `
    [wheels.x]
    version = "1.0"
    release = "o/n@v1"
    [[wheels.x.except]]
    cuda = ["cu130", "cu128"]
    version = "2.0"
    [[wheels.x.except]]
    cuda = "cu130"
    python = "3.12"
    index = "https://a.example"
    [[wheels.x.except]]
    python = "3.14"
    skip = true
    [[wheels.x.except]]
    python = "3.14"
    cuda = "cu126"
    skip = false`;
  const at = (cuda: string, python: string) => {
    const found = wheel(toml, { cuda, python });
    return found && `${found.versions} ${found.origin.kind}`;
  };
  assert.equal(at('cu126', '3.12'), '==1.0 release');
  assert.equal(at('cu128', '3.12'), '==2.0 release');
  assert.equal(at('cu130', '3.12'), '==2.0 index');
  assert.equal(at('cu130', '3.14'), undefined);
  assert.equal(at('cu126', '3.14'), '==1.0 release');
});

test('an index may be named once and used by its name', () => {
  const indexes = '[indexes]\nmine = "https://a.example/{cuda}/"\n';
  const found = wheel(`${indexes}[wheels.x]\nindex = "mine"`, { cuda: 'cu130', python: '3.12' });
  assert.deepEqual(found?.origin, { kind: 'index', url: 'https://a.example/cu130' });
});

test('sources: a repository, one that is built, an archive of an index or of an address', () => {
  const toml = `
    [sources.app]
    url = "https://git.example/app"
    ref = "main"
    [sources.built]
    url = "https://git.example/built"
    ref = "v1"
    package = true
    [sources.scale]
    version = "0.4.13"
    [sources.own]
    version = "1"
    index = "https://a.example/{cuda}/"
    [sources.direct]
    url = "https://a.example/direct-1.tar.gz"
    [sources.archived]
    url = "https://git.example/o.zip"
    ref = "main"`;
  const git = { kind: 'git', ref: 'main', isPackage: false, isAsked: false };
  const url = 'https://git.example';
  assert.deepEqual(parseWanted(top + toml, 'wheels.toml').sources, [
    { ...git, name: 'app', url: `${url}/app` },
    { ...git, name: 'built', url: `${url}/built`, ref: 'v1', isPackage: true, isAsked: true },
    {
      kind: 'archive',
      name: 'scale',
      from: { version: '0.4.13', index: 'https://pypi.org/simple' },
    },
    { kind: 'archive', name: 'own', from: { version: '1', index: 'https://a.example/cu130' } },
    { kind: 'archive', name: 'direct', from: { url: 'https://a.example/direct-1.tar.gz' } },
    { ...git, name: 'archived', url: `${url}/o.zip` },
  ]);
});

test('mistakes are told with file, line, key and what would do', () => {
  const cases: [string, RegExp][] = [
    [`${top}[wheels.x]\nversion = "two"`, /:4: wheels\.x\.version: expected a version or a range/],
    [`${top}[wheels.x]\nverison = "2"`, /:4: .*there is no such key; did you mean version\?/],
    [`${top}[wheels.x]\n[wheels.X]`, /:4: wheels\.X: the project is there already, as x\./],
    ['cuda = ["13.0"]\npython = ["3.12"]', /:1: cuda\.0: expected a CUDA such as "cu130", found/],
    ['cuda = ["cu130"]', /:1: python: it is missing/],
    [`${top}index = "https://u:p@a.example"`, /:3: index: .*without a password/],
    [
      `${top}[wheels.x]\nindex = "https://a.example"\nrelease = "o/n"`,
      /:5: wheels\.x\.release: an index is given as well/,
    ],
    [`${top}[indexes]\n[wheels.x]\nindex = "mine"`, /"mine" is not among the named indexes: none/],
    [`${top}[sources.x]\nurl = "ext::sh -c id"\nref = "v1"`, /:4: sources\.x\.url: .*Git address/],
    [
      `${top}[sources.x]\nurl = "https://a.example"\nref = "--upload-pack=x"`,
      /:5: sources\.x\.ref/,
    ],
    [`${top}[sources.x]\n`, /:3: sources\.x\.url: it is missing: a repository, with ref, or/],
    [`${top}[sources.x]\nurl = "https://a.example/x"`, /:3: sources\.x\.ref: it is missing/],
    [
      `${top}[sources.x]\nurl = "https://a.example/x.zip"\nversion = "1"`,
      /:5: sources\.x\.version: an address is given as well/,
    ],
    [`${top}[sources.x]\nversion = ">=1"`, /:4: sources\.x\.version: expected a version such as/],
    [`${top}[sources.x]\nversion = "1"\nindex = "mine"`, /"mine" is not among the named indexes/],
    [`${top}[sources.x]\nindex = "https://a.example"`, /:4: sources\.x\.index: .*write version/],
    [`${top}[wheels.x\n`, /:3: this is no TOML: /],
  ];
  for (const [toml, expected] of cases) assert.match(refusal(toml), expected);
});

test('names that every object has are refused, and not passed over', () => {
  assert.match(
    refusal(`${top}[wheels.constructor]\n`),
    /wheels\.constructor: this name is reserved/,
  );
  assert.match(refusal(`${top}[sources.__proto__]\n`), /sources\.__proto__: this name is reserved/);
  assert.match(
    refusal(`${top}index = "toString"\n[wheels.x]\n`),
    /"toString" is not among the named indexes: none/,
  );
});

test('more variants than anybody has are refused before they are made', () => {
  const pythons = Array.from({ length: 5_000 }, (_, at) => `"3.${at}"`);
  assert.match(refusal(`cuda = ["cu130"]\npython = [${pythons}]\n`), /5000 variants are more than/);
});
