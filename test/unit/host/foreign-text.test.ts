import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textGuard } from '../../../src/host/foreign-text.ts';
import { limits } from '../../../src/host/limits.ts';
import { escaped } from '../../../src/host/visible.ts';
import { commandsIn } from '../../tools/workflow-commands.ts';

const guard = textGuard();

test('the stand-in for the runner takes these for commands', () => {
  const taken = [
    '::error::x',
    ' \t::error::x',
    'a\r::error::x',
    'a ##[error]x',
    '\u200b::error::x',
  ];
  for (const text of taken)
    assert.deepEqual(commandsIn(text), [{ name: 'error', data: 'x' }], text);
  assert.deepEqual(commandsIn('std::vector::x'), []);
});

test('no command begins in text of others', () => {
  const hostile = [
    '::error::x',
    ' \t ::save-state name=after::x',
    '\u00a0::error::x',
    'progress\r::error::x',
    'a\v::error::x\f::error::x\u0085::error::x\u2028::error::x\u2029::error::x',
    '\u200b::error::x',
    ':\u00ad:error::x',
    '\u0000::error::x',
    '\ufe0f::error::x',
    '\u034f::error::x',
    '\u{e0001}::error::x',
    '##[error]x',
    'text ##[error]x',
    '#\u200d#\u200d[error]x',
    '\u001b[31m::error::x',
    ':\u001b[0m:error::x',
    '#\u001b[1m#[error]x',
    '\ud800::error::x',
  ];
  for (const text of hostile) assert.deepEqual(commandsIn(guard.text(text)), [], text);
  for (const text of hostile) assert.deepEqual(commandsIn(guard.line(`a\n${text}`)), [], text);
});

test('no command begins in any text made of their parts', () => {
  const parts = [
    ...['::', ':', '##', '#', '[', ']', '##[', 'error', 'add-mask', ' ', '\t', '\r', '\n', '\v'],
    ...['\u001b[31m', '\u001b[', 'm', '\u0085', '\u2028', '\u00a0', '\u200b', '\u00ad', '\u0301'],
    ...['\ufe0f', '\u034f', '\u3164', '\u{e0001}', '\ud800', '\\', '\u0000', '\u0008', 'secret'],
  ];
  const text = fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map(all => all.join(''));
  const masking = textGuard();
  masking.hide('secret');
  fc.assert(
    fc.property(text, each => {
      assert.deepEqual(commandsIn(masking.text(each)), []);
      assert.deepEqual(commandsIn(masking.line(each)), []);
      // what is printed stays as it is when it is printed again
      assert.equal(masking.text(masking.text(each)), masking.text(each));
    }),
    { numRuns: 20_000 },
  );
});

test('what is usual in logs stays as it is', () => {
  for (const text of [
    'std::vector<int> a;',
    'torch::jit',
    'C:\\x',
    '# a\n## b',
    '[1/2] ✓ é 漢 🔴 ⚠️',
  ]) {
    assert.equal(guard.text(text), text);
  }
  assert.equal(guard.text('a\r\nb\n'), 'a\nb\n');
  assert.equal(guard.text('\u001b[01;31m\u001b[Kerror:\u001b[m\u001b[K x'), 'error: x');
});

test('control characters are seen', () => {
  assert.equal(escaped('\u001b]0;title\u0007'), '\\e]0;title\\u0007');
  assert.equal(escaped('10%\r20%\u202e\u200b\u{e0001}'), '10%\\r20%\\u202e\\u200b\\u{e0001}');
  assert.equal(guard.text('\u001b]0;title\u0007\u001b[2J'), '\\e]0;title\\u0007\\e[2J');
  assert.equal(guard.line('a\nb'), 'a\\nb');
});

test('secrets are masked: whole, by lines, across colours, and in addresses', () => {
  const masking = textGuard();
  masking.hide('hunter2\nsecond line');
  masking.hide('abc');
  assert.equal(masking.text('x hunter2 y second line abc'), 'x *** y *** abc');
  assert.equal(masking.text('hun\u001b[1mter2'), '***');
  assert.equal(masking.text('hunter2\nsecond line'), '***');
  assert.equal(masking.document('`hunter2`'), '`***`');
  assert.equal(
    guard.text('at https://token@host/x, HTTP://u:p@h'),
    'at https://***@host/x, HTTP://***@h',
  );
  assert.equal(guard.text('ssh://git@host https://h/a@v1'), 'ssh://git@host https://h/a@v1');
});

test('length is bounded, and what is left out is told', () => {
  const long = guard.text('x'.repeat(limits.printed.line + 5));
  assert.match(long, /x… \(5 more characters are left out\)$/);
  const most = limits.printed.lines;
  const lines = guard.lines(Array.from({ length: most + 10 }, (_, at) => String(at)).join('\n'));
  assert.equal(lines.length, most + 1);
  assert.equal(lines.at(-1), String(most + 9));
  assert.ok(lines.includes('(10 lines are left out)'));
  assert.ok(guard.text('\n'.repeat(limits.printed.text + 10)).length <= limits.printed.text);
  const document = guard.document('é\n'.repeat(limits.printed.document));
  assert.ok(Buffer.byteLength(document) < limits.printed.document + 100);
  assert.match(document, /\n\nThe rest is left out/);
});

test('a JSON document stays whole and says the same, with nothing in it that is more than text', () => {
  const guarded = textGuard();
  guarded.hide('pass"word');
  const value = {
    text: '\u001b[2J \u202e \u{e0001} ##[error]x # #[warning] ::error::x',
    lines: Array.from({ length: limits.printed.lines + 1 }, () => '::error::x'),
    long: 'x'.repeat(limits.printed.line + 1),
  };
  const json = guarded.json(JSON.stringify(value, null, 2));
  assert.deepEqual(JSON.parse(json), value);
  assert.deepEqual(commandsIn(json), []);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  assert.doesNotMatch(json, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  assert.deepEqual(JSON.parse(guarded.json(JSON.stringify(['a pass"word b']))), ['a *** b']);
});
