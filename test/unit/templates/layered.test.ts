import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findClashes } from '../../../src/wheels/fit.ts';
import { allPins, formatLock, parseLock } from '../../../src/wheels/lock.ts';
import { tagRank } from '../../../src/wheels/tags.ts';
import { describeVariant } from '../../../src/wheels/variant.ts';
import { isWanted, parseWanted } from '../../../src/wheels/wanted.ts';
import { fileNameOf, parseWheelName } from '../../../src/wheels/wheel-name.ts';

const read = (name: string) =>
  readFileSync(
    fileURLToPath(new URL(`../../../templates/layered/${name}`, import.meta.url)),
    'utf8',
  );

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
  for (const [name, { digest, note }] of Object.entries(lock.sources)) {
    if (digest === 'unconfirmed') assert.match(note ?? '', /\.$/, name);
  }
});

test('every locked wheel is wanted, in this version, and runs in its variant', () => {
  const pins = allPins(lock);
  assert.ok(pins.length > 100);
  for (const { variant, name, pin } of pins) {
    const where = `${describeVariant(variant)}: ${name} ${pin.version}`;
    const rule = wanted.wheels(variant).find(each => each.name === name);
    assert.ok(rule, `${where} is not in wheels.toml`);
    assert.ok(isWanted(pin.version, rule.versions), `${where} is not ${rule.versions}`);
    const wheel = parseWheelName(fileNameOf(pin.url));
    assert.ok(wheel && tagRank(wheel, variant) !== undefined, `${where} does not run there`);
    assert.equal(wheel.version, pin.version, where);
  }
});

test('the locked wheels of each variant fit together', async () => {
  const set = allPins(lock).map(({ variant, name, pin }) => {
    const rule = wanted.wheels(variant).find(each => each.name === name);
    const ignoredRequirements = rule?.ignoredRequirements ?? [];
    const filename = fileNameOf(pin.url);
    const { version } = pin;
    return { variant, name, filename, version, metadata: undefined, ignoredRequirements };
  });
  assert.deepEqual(await findClashes(set, new Map()), []);
});

test('every locked source is wanted at that ref', () => {
  const refs = wanted.sources.map(({ name, url, ref }) => [name, { url, ref }]);
  const locked = Object.entries(lock.sources).map(([name, { url, ref }]) => [name, { url, ref }]);
  assert.deepEqual(Object.fromEntries(refs), Object.fromEntries(locked));
});
