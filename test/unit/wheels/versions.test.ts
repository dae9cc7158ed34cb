import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactVersion, isAllowed, publicVersion, runsOn } from '../../../src/wheels/versions.ts';

test('what specifiers allow, releases before a final one among it', () => {
  assert.ok(isAllowed('2.11.0+cu130', ''));
  assert.ok(isAllowed('2.11.0rc1', ''));
  assert.ok(isAllowed('2.12.0.dev20260101+cu130', '>=2.10'));
  assert.ok(!isAllowed('2.12.0rc1', '<2.12'));
  assert.ok(isAllowed('2.10.0+cu130', '==2.10.0'));
  assert.ok(!isAllowed('2.10.0+cu126', '==2.10.0+cu130'));
  assert.ok(!isAllowed('nonsense', ''));
});

test('one version, and what leaves a choice', () => {
  assert.equal(exactVersion(' == 2.10.0+cu130 '), '2.10.0+cu130');
  assert.equal(exactVersion('===2'), '2');
  for (const open of ['', '==2.*', '>=2', '==2,<3', '~=2.0'])
    assert.equal(exactVersion(open), undefined);
});

test('a version without its local part', () => {
  assert.equal(publicVersion('1!2.0rc1+cu13torch2.10'), '1!2.0rc1');
  assert.equal(publicVersion('2'), '2');
});

test('Requires-Python', () => {
  const variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };
  assert.ok(runsOn('>=3.10,<3.13', variant));
  assert.ok(runsOn('>=3.12.4', variant));
  assert.ok(runsOn(undefined, variant));
  assert.ok(!runsOn('<3.12', variant));
  assert.ok(!runsOn('>=3.13', variant));
});
