import fc from 'fast-check';
import { jsonValue } from '../../../src/host/foreign-value.ts';
import { compareRecords } from '../../../src/record/compare.ts';
import { readRecord } from '../../../src/record/read.ts';
import { sumUp } from '../../../src/record/sums.ts';
import { pageHtml } from '../../../src/report/page.ts';
import { runText } from '../../../src/report/run-text.ts';
import { summaryMarkdown } from '../../../src/report/summary.ts';
import { traceText } from '../../../src/report/trace.ts';
import { sampleRecord } from '../../unit/record/sample.ts';
import { mutatedJson } from '../mutations.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const { node: _, spans: _1, ...old } = sampleRecord();

/** What a run does with the record of another one. */
function compare(text: string): unknown {
  const record = readRecord(jsonValue(text));
  return record && [sumUp(record), compareRecords(record, sampleRecord())];
}

/** What `report` makes of one. */
function tell(text: string): unknown {
  const record = readRecord(jsonValue(text));
  if (record === undefined) return undefined;
  const run = { record, previous: sampleRecord(), earlier: [record] };
  const told = [
    ...[runText(record), traceText(record), summaryMarkdown(record, sampleRecord())],
    pageHtml(run, { script: '', style: '' }),
  ];
  if (told.some(each => each.includes('NaN'))) throw new Error('no number was told');
  return told;
}

const good = JSON.stringify(sampleRecord());

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'the record of a run before',
    cases: fc.oneof(mutatedJson(sampleRecord()), mutatedJson({ ...old, version: 1 })),
    read: compare,
  }),
  fuzzed({
    name: 'a record that is told of',
    cases: mutatedJson(sampleRecord()),
    read: tell,
    broken: ['1e999', '1e300', '1e13'].map(odd =>
      good.replaceAll(/"seconds":[\d.]+/g, `"seconds":${odd}`),
    ),
  }),
];
