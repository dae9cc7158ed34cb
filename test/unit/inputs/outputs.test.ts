import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutputName, outputText } from '../../../src/inputs/outputs.ts';

const cases: [OutputName, unknown, string][] = [
  ['findings', [], '[]'],
  ['layers', [], '[]'],
  ['layers', [{ name: 'a' }], '[{"name":"a"}]'],
  ['timings', { total: 1 }, '{"total":1}'],
  ['tags', ['a', 'b'], 'a\nb'],
  ['tags', [], ''],
  ['changed', false, 'false'],
  ['reproducible', 0, '0'],
  ['changes', '', ''],
  ['digest', undefined, ''],
  ['findings', undefined, ''],
];

for (const [name, value, text] of cases) {
  test(`the output ${name} of ${JSON.stringify(value)} is ${JSON.stringify(text)}`, () => {
    assert.equal(outputText(name, value), text);
  });
}
