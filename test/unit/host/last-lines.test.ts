import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastLines } from '../../../src/host/last-lines.ts';

test('what was said last, without empty lines; nothing of nothing', () => {
  const lines = Array.from({ length: 15 }, (_, at) => `line ${at}`);
  assert.deepEqual(lastLines(`${lines.join('\n\n')}\n \n`), lines.slice(5));
  assert.deepEqual(lastLines('  indented'), ['  indented']);
  assert.deepEqual(lastLines('\n'), []);
});
