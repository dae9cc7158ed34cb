import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause, Sign } from '../../../src/nix/causes/cause.ts';
import { places } from '../../../src/nix/causes/evaluating.ts';
import { findCause } from '../../../src/nix/causes/find.ts';
import { causes } from '../../../src/nix/causes/table.ts';
import { type RecordedWords, recordedWords } from './said.ts';

const titled = (title: string): Cause => {
  const cause = causes.find(each => each.title === title);
  assert.ok(cause, title);
  return cause;
};

/** The text of a template up to its first name. */
const beginning = ({ cause }: Cause): string => cause.split(/<|\[\[/)[0] ?? '';

for (const { title, in: stream, kind, text, told = '' } of recordedWords) {
  test(`${title}: ${text.split('\n').at(-1)?.trim().slice(0, 60)} (${stream})`, () => {
    const found = findCause({ [stream]: [text] }, { kind });
    assert.ok(found);
    assert.ok(found.cause.startsWith(beginning(titled(title))), found.cause);
    assert.ok(`${found.cause} ${found.remedy}`.includes(told), `${found.cause} ${found.remedy}`);
    assert.doesNotMatch(`${found.cause} ${found.remedy}`, /<\w+>|\[\[|\]\]|undefined/);
  });
}

const isMetBy = (sign: Sign, { in: stream, kind, text }: RecordedWords): boolean =>
  sign.in.includes(stream) &&
  (sign.of === undefined || sign.of === kind) &&
  sign.lines.every(pattern => text.split('\n').some(line => pattern.test(line)));

test('each sign has words of a real program that show it', () => {
  for (const cause of causes.filter(each => !places.includes(each))) {
    const words = recordedWords.filter(({ title }) => title === cause.title);
    for (const sign of cause.signs) {
      const isShown = words.some(each => isMetBy(sign, each));
      assert.ok(isShown, `${cause.title}: ${sign.lines.map(String).join(', ')}`);
    }
  }
});

test('what a log says is never sure', () => {
  for (const { title, signs } of causes) {
    for (const sign of signs) assert.ok(!(sign.sure && sign.in.includes('log')), title);
  }
  const words = recordedWords.filter(each => each.in === 'log');
  for (const { text, kind } of words) {
    assert.equal(findCause({ log: [text] }, { kind })?.sure, false);
    assert.equal(findCause({ build: ['error: it failed'], log: [text] }, { kind })?.sure, false);
  }
});

test("a log that reads like Nix's errors is a log", () => {
  for (const { in: stream, text, kind } of recordedWords) {
    if (stream === 'log') continue;
    assert.notEqual(findCause({ log: [text] }, { kind })?.sure, true, text);
  }
});

test('every text that is named is found by every sign, or stands where it may be left out', () => {
  for (const { title, signs, cause, remedy, names } of causes) {
    if (names) continue;
    const needed = `${cause} ${remedy}`.replaceAll(/\[\[.*?\]\]/g, '').matchAll(/<(\w+)>/g);
    for (const [, name = ''] of needed) {
      for (const { lines } of signs) {
        const isFound = lines.some(({ source }) => source.includes(`(?<${name}>`));
        assert.ok(isFound, `${title}: ${name}`);
      }
    }
  }
});

test('what is sure goes before a guess, and of two the first', () => {
  const timedOut = 'error: timed out after 2 seconds';
  const both = findCause({ build: [timedOut], log: ['MemoryError'] });
  assert.match(both?.cause ?? '', /^It took 2 seconds/);
  assert.equal(findCause({ build: ['error: builder failed'], log: ['all is well'] }), undefined);
});

test('no words are looked at for long', () => {
  const parts = ["error: unable to download '", "error: a '", "' with features {", '"/', 'error: '];
  for (const part of parts) {
    const text = part.repeat(Math.ceil(65_536 / part.length));
    const lines = `${part}\n`.repeat(5_000);
    const said = Array.from({ length: 200 }, () => text + lines);
    assert.equal(findCause({ build: said, evaluation: said, log: said }), undefined, part);
  }
});
