import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveConf, parseSettings } from '../../../src/nix/conf.ts';

test('settings of another shape are a failure that does not quote them', () => {
  const deep = `{"x":{"value":${'['.repeat(10_000)}"TOKEN"${']'.repeat(10_000)}}}`;
  for (const odd of ['TOKEN', 'null', '["TOKEN"]', '{"access-tokens":"TOKEN"}', deep]) {
    assert.throws(
      () => parseSettings(odd),
      (error: Error) => !error.message.includes('TOKEN'),
    );
    assert.throws(
      () => parseSettings(odd),
      /Nix does not tell its settings in a form that is known/,
    );
  }
});

test('names that every object has are no settings, and values of other kinds are empty', () => {
  const conf = effectiveConf(
    parseSettings('{"cores":{"value":{"toString":1}},"list":{"value":[[]]}}'),
  );
  assert.equal(conf.knows('constructor'), false);
  assert.equal(conf.text('cores'), '');
  assert.deepEqual(conf.list('list'), ['']);
});
