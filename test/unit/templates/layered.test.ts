import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findClashes } from '../../../src/wheels/fit.ts';
import { readLists } from '../../../src/wheels/lists/read.ts';
import { allPins, formatLock, parseLock, pinOf } from '../../../src/wheels/lock.ts';
import { knownCheckout } from '../../../src/wheels/sources/git.ts';
import { tagRank } from '../../../src/wheels/tags.ts';
import { describeVariant } from '../../../src/wheels/variant.ts';
import { isAllowed } from '../../../src/wheels/versions.ts';
import { parseWanted } from '../../../src/wheels/wanted.ts';
import { fileNameOf, parseWheelName } from '../../../src/wheels/wheel-name.ts';

const folder = fileURLToPath(new URL('../../../templates/layered', import.meta.url));
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');

const text = read('wheels.lock.json');
const lock = parseLock(text, 'wheels.lock.json');
const wanted = parseWanted(read('wheels.toml'), 'wheels.toml');

test('the lock is written as prefetch writes it', () => {
  assert.equal(text, formatLock(lock));
});

test('a pin that nobody confirmed says so, and why', () => {
  for (const { name, pin } of allPins(lock)) {
    if (pin.digest === 'unconfirmed') assert.match(pin.note ?? '', /\.$/, name);
  }
  for (const [name, pin] of Object.entries(lock.sources)) {
    if (pin.digest === 'unconfirmed') assert.match(pin.note ?? '', /\.$/, name);
  }
});

test('every locked wheel is wanted, in this version, and runs in its variant', () => {
  const pins = allPins(lock);
  assert.ok(pins.length > 100);
  for (const { variant, name, pin } of pins) {
    const where = `${describeVariant(variant)}: ${name} ${pin.version}`;
    const rule = wanted.wheels(variant).find(each => each.name === name);
    assert.ok((pin.requiredBy ?? []).length > 0, `nobody requires ${where}`);
    assert.ok(isAllowed(pin.version, rule?.versions ?? ''), `${where} is not ${rule?.versions}`);
    assert.equal(pin.layer, wanted.layerOf(name), where);
    const wheel = parseWheelName(fileNameOf(pin.url));
    assert.ok(wheel && tagRank(wheel, variant) !== undefined, `${where} does not run there`);
    assert.equal(wheel.version, pin.version, where);
  }
});

test('the locked wheels of each variant fit together', () => {
  const set = allPins(lock).map(({ variant, name, pin }) => {
    const rule = wanted.wheels(variant).find(each => each.name === name);
    const ignoredRequirements = rule?.ignoredRequirements ?? [];
    const filename = fileNameOf(pin.url);
    const { version } = pin;
    return { variant, name, filename, version, metadata: undefined, ignoredRequirements };
  });
  assert.deepEqual(findClashes(set, new Map()), []);
});

test('every locked source is wanted at that ref', () => {
  const names = wanted.sources.map(source => {
    const pin = lock.sources[source.name];
    assert.ok(source.kind === 'git' && knownCheckout(source, pin), source.name);
    return source.name;
  });
  assert.deepEqual(names.sort(), Object.keys(lock.sources));
});

test('what the lists ask for is a wheel of each variant that has PyTorch, or comes from nixpkgs', async () => {
  const packages = read('packages.nix');
  const layer1 = packages.match(/^ {6}[\w-]+$/gm)?.map(name => name.trim()) ?? [];
  const alone = /interpreterAlone = \[ "cp(\d)(\d+)" \]/.exec(packages) ?? [];
  assert.ok(layer1.length > 50 && alone.length > 0);
  const variants = wanted.variants.filter(variant => pinOf(lock, variant, 'torch') !== undefined);
  assert.ok(variants.length >= 7);
  for (const variant of variants) {
    const { requirements, problems } = await readLists(wanted.lists(variant), folder, variant);
    assert.deepEqual(problems, []);
    const isAlone = variant.python === `${alone[1]}.${alone[2]}`;
    const unpinned = layer1.filter(name => pinOf(lock, variant, name) === undefined);
    assert.deepEqual(isAlone ? unpinned : [], [], `wheels of ${describeVariant(variant)}`);
    const fromNixpkgs = new Set(isAlone ? [] : layer1);
    for (const { name, versions, place } of requirements) {
      const pin = pinOf(lock, variant, name);
      const where = `${place}: ${name} in ${describeVariant(variant)}`;
      assert.ok(pin !== undefined || fromNixpkgs.has(name), where);
      assert.ok(pin === undefined || isAllowed(pin.version, versions), where);
    }
  }
});
