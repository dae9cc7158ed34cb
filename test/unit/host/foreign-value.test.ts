import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf, isRecord, jsonValue } from '../../../src/host/foreign-value.ts';
import { limits } from '../../../src/host/limits.ts';

test('JSON is a value; what is none, or too deep or too long, is undefined', () => {
  assert.deepEqual(jsonValue('{"a":[1,null]}'), { a: [1, null] });
  assert.equal(jsonValue('null'), null);
  const deep = '['.repeat(limits.jsonDepth + 1) + ']'.repeat(limits.jsonDepth + 1);
  for (const text of ['', '{', deep, `"${'x'.repeat(limits.document)}"`]) {
    assert.equal(jsonValue(text), undefined, text.slice(0, 20));
  }
});

test('an object has fields; null, lists and texts have none', () => {
  assert.deepEqual(fieldsOf({ a: 1 }), { a: 1 });
  for (const value of [null, undefined, [1], 'text', 1]) {
    assert.deepEqual([isRecord(value), fieldsOf(value)], [false, {}]);
  }
});
