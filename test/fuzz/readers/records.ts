import fc from 'fast-check';
import { jsonValue } from '../../../src/host/foreign-value.ts';
import { compareRecords } from '../../../src/record/compare.ts';
import { readRecord } from '../../../src/record/read.ts';
import { sumUp } from '../../../src/record/sums.ts';
import { sampleRecord } from '../../unit/record/sample.ts';
import { mutatedJson } from '../mutations.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const { node: _, spans: _1, ...old } = sampleRecord();

/** What a run does with the record of another one. */
function compare(text: string): unknown {
  const record = readRecord(jsonValue(text));
  return record && [sumUp(record), compareRecords(record, sampleRecord())];
}

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'the record of a run before',
    cases: fc.oneof(mutatedJson(sampleRecord()), mutatedJson({ ...old, version: 1 })),
    read: compare,
  }),
];
