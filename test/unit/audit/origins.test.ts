import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptPaths } from '../../../src/audit/script-paths.ts';
import { auditOf, nixpkgs, outPath, type Written } from './image.ts';

const pip = { buildCommand: 'pip install einops' };

/** A package that only texts refer to. */
const unseen = (inputs: readonly string[] = [], env: Written['env'] = {}): Written => ({
  inputs,
  env: { pname: 'helper', version: '1', ...env },
});

function audited(written: Record<string, Written>) {
  const { packages, findings } = auditOf(written);
  return {
    named: packages.map(({ name, source }) => `${name} ${source}`),
    found: findings.map(({ rule, derivation = '' }) => `${rule} ${derivation.slice(44, -4)}`),
  };
}

test('a package whose origin was not seen is looked at, and so is what it is built from', () => {
  const helper = unseen(['below']);
  const below = unseen([], { pname: 'below', ...pip });
  const { named, found } = audited({ layer0: { inputs: ['helper'] }, helper, below });
  assert.deepEqual(found, ['network-at-build below']);
  assert.deepEqual(named, ['einops build-network', 'helper unseen']);
});

test('what a package of nixpkgs is built from is nixpkgs’, and is not looked at', () => {
  const git = nixpkgs('git', '2', ['helper']);
  const { named, found } = audited({ layer0: { inputs: ['git'] }, git, helper: unseen([], pip) });
  assert.deepEqual(found, []);
  assert.deepEqual(named, ['git nixpkgs', 'helper nixpkgs']);
});

test('a hash that is none is found wherever it is', () => {
  const { found } = audited({
    layer0: { inputs: ['git'] },
    git: nixpkgs('git', '2', ['git.tar.gz']),
    'git.tar.gz': { env: { urls: 'https://example.org/git.tar.gz', outputHash: '0'.repeat(64) } },
  });
  assert.deepEqual(found, ['fake-hash git.tar.gz']);
});

test('what a script or a folder of nixpkgs is made of is not nixpkgs’ by that', () => {
  const folder: Written = { inputs: ['helper'], origin: 'nixpkgs' };
  const { found } = audited({ layer0: { inputs: ['folder'] }, folder, helper: unseen([], pip) });
  assert.deepEqual(found, ['network-at-build helper']);
});

test('what is known to be somebody else’s is looked at below nixpkgs’ packages, and as a tool', () => {
  const helper = { ...unseen([], pip), origin: 'own' as const };
  const git = nixpkgs('git', '2', ['helper']);
  const below = audited({ layer0: { inputs: ['git'] }, git, helper });
  assert.deepEqual(below.found, ['network-at-build helper']);
  const env = { nativeBuildInputs: outPath('helper') };
  const tool = audited({ layer0: { inputs: ['helper'], env }, helper });
  assert.deepEqual(tool.found, ['network-at-build helper']);
});

test('what a script only runs is no part of the image, what it names otherwise may be', () => {
  const names = ['jq', 'tzdata', 'rsync', 'both'];
  const written = Object.fromEntries(names.map(name => [name, nixpkgs(name, '1')]));
  const buildCommand = [
    `${outPath('jq')}/bin/jq . < a > b`,
    `export PATH=${outPath('rsync')}/bin:$PATH`,
    `ln -s ${outPath('tzdata')}/share $out`,
    `${outPath('both')}/bin/both --install ${outPath('both')}`,
  ].join('\n');
  const { named } = audited({ layer0: { inputs: names, env: { buildCommand } }, ...written });
  assert.deepEqual(named.sort(), ['both nixpkgs', 'tzdata nixpkgs']);
});

test('the paths of a script: programs, what a shell is given, and text that it writes', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(outPath);
  const script = [
    `for item in ${a}; do cp -r $item layer; done`,
    `unshare -m chroot mnt ${b}`,
    'cat > $out/bin/start <<END',
    `exec ${c}/bin/c`,
    'END',
    `! ${d}/bin/d -x`,
  ].join('\n');
  assert.deepEqual(scriptPaths(script), { run: [b, d], named: [a, c] });
});
