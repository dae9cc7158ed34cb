import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openJsonObject } from '../../../src/host/json-parts.ts';

/** All of an object, lists in portions of a few bytes. */
function readInParts(text: string, portion: number): unknown {
  const json = openJsonObject(Buffer.from(text), portion);
  const entries = json.names.map(name => {
    const elements = json.elements(name);
    return [name, elements ? [...elements] : json.value(name)];
  });
  return Object.fromEntries(entries);
}

/** What a reader gives, or that it is no JSON object to it. */
function outcome(read: () => unknown): unknown {
  try {
    const value = read();
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'none';
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return 'none';
  }
}

const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
const spaced = fc
  .tuple(object, fc.constantFrom(0, 1, '\t'))
  .map(([value, space]) => JSON.stringify(value, null, space));
/** Near to what is right: a mark is put in, or something taken out. */
const damaged = fc
  .tuple(
    spaced,
    fc.nat(),
    fc.constantFrom(',', ':', '[', ']', '{', '}', '"', ' ', '1', ''),
    fc.nat(2),
  )
  .map(([text, at, put, taken]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + taken);
  });

test('an object in parts is what the parser makes of it, whatever is damaged', () => {
  fc.assert(
    fc.property(fc.oneof(spaced, damaged), fc.nat(40), (text, portion) => {
      const whole = outcome(() => JSON.parse(text));
      assert.deepEqual(
        outcome(() => readInParts(text, portion)),
        whole,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('what only looks like an object is none', () => {
  for (const text of [
    '',
    '{',
    '}',
    '{]',
    '[]',
    'null',
    '"{}"',
    '{},{}',
    '{"a":1},{"b":2}',
    '{,}',
  ]) {
    assert.equal(
      outcome(() => readInParts(text, 0)),
      'none',
      text,
    );
  }
  const blank = ' '.repeat(10);
  for (const list of [`[${blank},1]`, `[1,${blank}]`, `[1,${blank},2]`, '[1],[2]', '[1]]', '[,]']) {
    assert.equal(
      outcome(() => readInParts(`{"a":${list}}`, 4)),
      'none',
      list,
    );
  }
  assert.deepEqual(readInParts(`{ "a" : [${blank}] , "b" : {} }`, 4), { a: [], b: {} });
});

test('names and values have any characters; of two of one name the last counts', () => {
  const text = '{"\u00e4\\"":["\u00f6,]"],"ä\\"":["ü]"],"__proto__":1}';
  const json = openJsonObject(Buffer.from(text));
  assert.deepEqual(json.names, ['ä"', '__proto__']);
  assert.deepEqual([...(json.elements('ä"') ?? [])], ['ü]']);
  assert.equal(json.value('__proto__'), 1);
  assert.equal(json.value('other'), undefined);
  assert.equal(json.elements('other'), undefined);
});
