import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { mismatch, recordFromJson, recordText } from '../../../src/record/json.ts';
import { recordSchema, type Schema } from '../../../src/record/schema.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { sampleRecord } from './sample.ts';

test('a record comes back from its JSON', () => {
  const record = sampleRecord();
  assert.deepEqual(recordFromJson(recordText(record), 'r.json'), record);
  const failed = sampleRecord({ outcome: 'failure', failure: 'It broke.' });
  delete failed.image;
  assert.deepEqual(recordFromJson(recordText(failed), 'r.json'), failed);
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

const wrong: [path: (string | number)[], value: unknown, problem: RegExp][] = [
  [['version'], 2, /record\.version should be 1, found 2/],
  [['outcome'], 'maybe', /record\.outcome should be success or failure, found "maybe"/],
  [['layers'], undefined, /record\.layers is missing/],
  [['layers', 1, 'origin'], 'magic', /record\.layers\[1\]\.origin should be built or/],
  [
    ['layers', 0, 'blobs', 0, 'size'],
    -1,
    /record\.layers\[0\]\.blobs\[0\]\.size should be at least 0/,
  ],
  [['layers', 0, 'blobs', 0, 'size'], 1.5, /size should be integer, found 1\.5/],
  [['layers', 0, 'blobs', 0, 'digest'], 'sha256:x', /digest should be like \^sha256/],
  [['layers', 0, 'target'], 3, /target should be string or null, found 3/],
  [['image', 'tags'], 'latest', /record\.image\.tags should be array, found "latest"/],
];

for (const [path, value, problem] of wrong) {
  test(`a record with a wrong ${path.join('.')} is refused`, () => {
    assert.throws(
      () => recordFromJson(JSON.stringify(changed(path, value)), 'r.json'),
      (error: unknown) => error instanceof Failure && problem.test(error.message),
    );
  });
}

test('what is no JSON is refused with its origin', () => {
  assert.throws(() => recordFromJson('{', 'r.json'), /r\.json is no record of a run/);
});

test('fields of a later version are kept', () => {
  const record = { ...sampleRecord(), later: 1 };
  assert.deepEqual(recordFromJson(JSON.stringify(record), 'r.json'), record);
});

test('the schema describes every field of the sample, and requires none that it lacks', () => {
  const visit = (schema: Schema, value: unknown, at: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(schema.items ?? {}, item, `${at}[]`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const property = schema.properties?.[name];
        assert.ok(property, `${at}.${name} is not in the schema`);
        visit(property, inner, `${at}.${name}`);
      }
    }
  };
  visit(recordSchema, sampleRecord(), 'record');
  assert.equal(mismatch(recordSchema, sampleRecord(), 'record'), undefined);
});
