import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { recordSchema } from '../../../src/record/schema.ts';
import { recordText } from '../../../src/record/text.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { sampleRecord } from './sample.ts';

/** What the schema makes of a record's text: fields that it does not name are gone. */
const read = (record: unknown) => v.parse(recordSchema, JSON.parse(JSON.stringify(record)));

test('the schema names every field of a record, and requires none that may be absent', () => {
  const record = sampleRecord();
  assert.deepEqual(v.parse(recordSchema, JSON.parse(recordText(record))), record);
  const audit: BuildRecord['audit'] = {
    layers: [{ name: 'layer0-base', shipped: true }],
    packages: [
      { name: 'torch', source: 'wheel', python: true, layer: 'layer0-base' },
      { name: 'jq', version: '1.8', source: 'nixpkgs', python: false, layer: 'layer0-base' },
    ],
    findings: [{ rule: 'fake-hash', severity: 'error', message: 'M.', cost: 'C.', advice: 'A.' }],
    unfree: [{ name: 'cudnn', licence: 'CUDA EULA', layer: 'layer0-base' }],
    derivations: 2,
    unchecked: [],
  };
  const failed = { ...sampleRecord({ outcome: 'failure', failure: 'It broke.', audit }) };
  for (const name of ['image', 'caches', 'disk'] as const) delete failed[name];
  assert.deepEqual(read(failed), failed);
});

/** The sample with one field, by its path, replaced; undefined takes the field away. */
function changed(path: (string | number)[], value: unknown): unknown {
  const record: BuildRecord = structuredClone(sampleRecord());
  const last = path.at(-1) ?? '';
  const holder = path
    .slice(0, -1)
    .reduce<object>((at, name) => Reflect.get(at, name) as object, record);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else Reflect.set(holder, last, value);
  return record;
}

const wrong: [path: (string | number)[], value: unknown][] = [
  [['version'], 1],
  [['spans', 0, 'kind'], 'magic'],
  [['spans', 0, 'start'], -1],
  [['node'], undefined],
  [['outcome'], 'maybe'],
  [['layers'], undefined],
  [['layers', 1, 'origin'], 'magic'],
  [['layers', 0, 'blobs', 0, 'size'], -1],
  [['layers', 0, 'blobs', 0, 'size'], 1.5],
  [['layers', 0, 'blobs', 0, 'digest'], 'sha256:x'],
  [['layers', 0, 'target'], 3],
  [['layers', 0, 'target'], undefined],
  [['image', 'tags'], 'latest'],
  [['seconds'], -0.5],
  [['failure'], null],
];

for (const [path, value] of wrong) {
  test(`a record whose ${path.join('.')} is ${JSON.stringify(value)} does not fit`, () => {
    const { success, issues } = v.safeParse(recordSchema, changed(path, value));
    assert.ok(!success);
    assert.deepEqual(
      issues.map(issue => v.getDotPath(issue)),
      [path.join('.')],
    );
  });
}

test('fields of a later version are no reason to refuse a record', () => {
  assert.deepEqual(read({ ...sampleRecord(), later: 1 }), sampleRecord());
});
