import fc from 'fast-check';
import { type CommentRow, commentMarkdown, rowsIn } from '../../../src/report/comment.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const text = fc.oneof(
  fc.constantFrom('', 'x', '-->', '<!-- rows -->', '|', '\n', '`', '@a', 'x'.repeat(301), '\ud800'),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const count = fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(-1, 1e300, 0.5));

const row = fc.record(
  {
    ...{ key: text, image: text, sentence: text, size: text },
    version: fc.oneof(fc.tuple(count, count, count), fc.constant([1])),
    ...{ run: text, commit: text, against: text },
    ...{ packages: fc.array(text, { maxLength: 9 }), allPackages: count },
    ...{ layers: fc.array(text, { maxLength: 9 }), allLayers: count },
  },
  { noNullPrototype: true },
);

const whole: CommentRow = {
  ...{ key: 'a', image: 'a', version: [1, 1, 1], sentence: '', size: '' },
  ...{ packages: [], allPackages: 0, layers: [], allLayers: 0 },
};
const good = commentMarkdown([whole]);

/** A comment whose hidden rows are these. */
const withRows = (rows: unknown) =>
  good.replace(/rows \S+/, `rows ${Buffer.from(JSON.stringify(rows)).toString('base64')}`);

/** What was read is written, and is then read as it is. */
function readAndWrite(comment: string): void {
  const rows = rowsIn(comment);
  if (rows === undefined || rows.length === 0) return;
  const again = rowsIn(commentMarkdown(rows));
  if (again === undefined || again.length === 0) throw new Error('the comment has lost its rows');
}

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'the rows of a comment',
    cases: fc.oneof(
      fc.array(row, { maxLength: 4 }).map(rows => withRows({ rows })),
      fc
        .json()
        .map(json => good.replace(/rows \S+/, `rows ${Buffer.from(json).toString('base64')}`)),
      fc.tuple(fc.nat({ max: good.length }), text).map(([at, added]) => good.slice(0, at) + added),
    ),
    read: readAndWrite,
  }),
];
