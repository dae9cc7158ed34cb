// Cases near to what is right: good texts and good JSON with a few things wrong.

import fc from 'fast-check';

/** What has broken readers of text before. */
const oddTexts = [
  ...['', '\0', '\n', '\r', '\t', '"', "'", '\\', '/', '../../..', '//[', ':', ',', '%', '\u2028'],
  ...['\x1b[2J', '::set-output name=x::y', '##[group]', '<', '>', '(', ')', '[', ']', '{', '}'],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'null',
    'nan',
    'inf',
    '-1',
    '1e999',
    '9'.repeat(400),
  ],
  ...[' '.repeat(3_000), '['.repeat(3_000), 'a.'.repeat(3_000), '\ufeff', '\ud800', '٣'],
];

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Characters that go. */
  removed: fc.oneof(fc.constant(0), fc.nat(60)),
  put: fc.oneof(fc.constantFrom(...oddTexts), fc.string({ unit: 'binary', maxLength: 8 })),
});

/** One of the texts with up to four pieces exchanged; now and then a text of its own. */
export function mutatedText(...texts: readonly string[]): fc.Arbitrary<string> {
  const edited = fc
    .tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 4 }))
    .map(([text, edits]) =>
      edits.reduce((whole, { at, removed, put }) => {
        const start = Math.floor(at * whole.length);
        return whole.slice(0, start) + put + whole.slice(start + removed);
      }, text),
    );
  return fc.oneof(
    { weight: 19, arbitrary: edited },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
  );
}

/** Values that JSON.stringify cannot give stand for themselves until the text is there. */
const unwritable: Readonly<Record<string, string>> = {
  '@deep list': '['.repeat(6_000) + ']'.repeat(6_000),
  '@deep object': `${'{"a":'.repeat(6_000)}1${'}'.repeat(6_000)}`,
  '@infinite': '1e999',
  '@proto': '"__proto__"',
};

const oddValues: readonly unknown[] = [
  ...[null, true, 0, -1, 0.5, 2 ** 53, 2 ** 60, 1e300, '', [], {}, [null], [[]], { a: null }],
  ...[
    'constructor',
    '../../..',
    'https://[',
    'file:///etc/passwd',
    'x'.repeat(5_000),
    '\0',
    '\ud800',
  ],
  ...['line\nline', '\x1b[2J', '::set-output name=x::y', '1'.repeat(400), '@infinite', '@proto'],
];

const change = fc.record({
  which: fc.nat(),
  how: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...oddValues).map(value => ({ value })) },
    // each takes milliseconds
    {
      weight: 1,
      arbitrary: fc.constantFrom('@deep list', '@deep object').map(value => ({ value })),
    },
    { weight: 5, arbitrary: fc.jsonValue({ maxDepth: 2 }).map(value => ({ value })) },
    { weight: 5, arbitrary: fc.constant({ gone: true }) },
    {
      weight: 10,
      arbitrary: fc.constantFrom('@proto', 'constructor', '', 'x').map(name => ({ name })),
    },
  ),
});

/** JSON of one of the values with up to three parts of it exchanged, renamed or gone. */
export function mutatedJson(...values: readonly unknown[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...values), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) => {
      const root: Record<string, unknown> = { value: structuredClone(value) };
      for (const { which, how } of changes) {
        const places = placesIn(root);
        const { holder, key } = places[which % places.length] ?? { holder: root, key: 'value' };
        if ('value' in how) holder[key] = structuredClone(how.value);
        else if ('gone' in how) delete holder[key];
        else {
          holder[how.name] = holder[key];
          delete holder[key];
        }
      }
      const text = JSON.stringify(root.value) ?? 'null';
      return Object.entries(unwritable).reduce(
        (whole, [sign, written]) => whole.replaceAll(`"${sign}"`, written),
        text,
      );
    });
}

interface Place {
  holder: Record<string, unknown>;
  key: string;
}

function placesIn(holder: Record<string, unknown>): Place[] {
  return Object.entries(holder).flatMap(([key, value]) => [
    { holder, key },
    ...(typeof value === 'object' && value !== null
      ? placesIn(value as Record<string, unknown>)
      : []),
  ]);
}
