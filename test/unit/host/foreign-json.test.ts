import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { lenient, readJson } from '../../../src/host/foreign-json.ts';
import { limits } from '../../../src/host/limits.ts';

const schema = v.object({ a: lenient(v.string()), b: v.optional(v.number(), 1) });

test('an object of others is read as far as it is right', () => {
  assert.deepEqual(readJson(schema, '{"a":"x","b":2,"c":3}'), { a: 'x', b: 2 });
  assert.deepEqual(readJson(schema, '{"a":{}}'), { a: undefined, b: 1 });
  assert.deepEqual(readJson(schema, '{}'), { b: 1 });
});

const deep = limits.jsonDepth + 1;
for (const [what, text] of Object.entries({
  'no JSON': '{"a":',
  nothing: '',
  null: 'null',
  'a list': '[]',
  'a text': '"a"',
  'a field that is wrong': '{"b":"2"}',
  'more levels than documents have': `{"c":${'['.repeat(deep)}${']'.repeat(deep)}}`,
})) {
  test(`${what} is not read, and no error quotes it`, () => {
    assert.equal(readJson(schema, text), undefined);
  });
}
