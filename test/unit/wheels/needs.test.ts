import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArchiveName } from '../../../src/wheels/sources/archive-name.ts';
import { needsOfNode, needsOfPackage } from '../../../src/wheels/sources/needs.ts';

const project = (dependencies: string) =>
  `[build-system]\nrequires = ["hatchling"]\n[project]\nname = "x"\n${dependencies}`;

test('what a package requires: its metadata, its pyproject.toml, its egg-info, its list', () => {
  const metadata =
    'Metadata-Version: 2.2\nRequires-Dist: a>=1\nRequires-Dist: b; extra == "x"\n\nText';
  const texts = {
    list: '--extra-index-url https://h.example\nlist==1 # so\n',
    eggList:
      'egg>=1\n\n[all]\nmore\n\n[:python_version < "3"]\nold\n\n[all:os_name == "nt"]\nwin\n',
    project: project('dependencies = ["c"]'),
    metadata,
  };
  const requires = (changes: Partial<typeof texts>) =>
    needsOfPackage({ ...texts, ...changes }).requires;
  assert.deepEqual(requires({}), ['a>=1', 'b; extra == "x"']);
  assert.deepEqual(requires({ metadata: 'Name: x\n' }), ['c']);
  const dynamic = { metadata: '', project: project('dynamic = ["dependencies"]') };
  assert.deepEqual(requires(dynamic), ['egg>=1', 'old ; python_version < "3"']);
  assert.deepEqual(needsOfPackage({ list: texts.list }).requires, ['list==1']);
  assert.deepEqual(needsOfPackage({}), { buildRequires: ['setuptools'], requires: [] });
  assert.deepEqual(needsOfPackage(texts).buildRequires, ['hatchling']);
  assert.deepEqual(requires({ metadata: '', project: 'no TOML' }), [
    'egg>=1',
    'old ; python_version < "3"',
  ]);
});

test('what a setup.cfg says is required, as setuptools reads it', () => {
  const requires = (setup: string) => needsOfPackage({ setup, list: 'list' }).requires;
  const below = `[metadata]
name = x
[options]
packages = find:
install_requires =
    a>=1
    # why
    b ; python_version < "3"

\tc
zip_safe = no
[options.extras_require]
more = d
`;
  assert.deepEqual(requires(below), ['a>=1', 'b ; python_version < "3"', 'c']);
  assert.deepEqual(requires(below.replaceAll('\n', '\r\n')), requires(below));
  assert.deepEqual(requires('[options]\ninstall_requires = a; b>2'), ['a', 'b>2']);
  assert.deepEqual(requires('[options]\ninstall_requires:\n  a; os_name == "nt"'), [
    'a; os_name == "nt"',
  ]);
  assert.deepEqual(requires('[options]\ninstall_requires =\n[x]\ny = 1'), []);
  const others = ['', '[options]\ninstall_requires = file: r.txt', '[other]\ninstall_requires = a'];
  for (const setup of others) assert.deepEqual(requires(setup), ['list'], setup);
  const both = { setup: below, project: project('dependencies = ["p"]') };
  assert.deepEqual(needsOfPackage(both).requires, ['p']);
});

test('what a custom node requires: its list, which is what its users install', () => {
  const texts = { list: 'list\n', project: project('dependencies = ["c"]') };
  assert.deepEqual(needsOfNode(texts), ['list']);
  assert.deepEqual(needsOfNode({ ...texts, list: '' }), []);
  assert.deepEqual(needsOfNode({ project: texts.project }), ['c']);
  assert.deepEqual(needsOfNode({}), []);
});

test('the project and the version in the name of a source archive', () => {
  const named = (filename: string) => {
    const { project, version } = parseArchiveName(filename) ?? {};
    return project && `${project} ${version}`;
  };
  assert.equal(named('fairscale-0.4.13.tar.gz'), 'fairscale 0.4.13');
  assert.equal(named('Some_Name-x-1.0rc1.zip'), 'some-name-x 1.0rc1');
  for (const other of ['v1.tar.gz', 'a-main.zip', 'a-1.0.tar', 'a-1.0-py3-none-any.whl', '']) {
    assert.equal(named(other), undefined, other);
  }
});
