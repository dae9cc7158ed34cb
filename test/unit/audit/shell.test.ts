import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandsOf, programAndArguments } from '../../../src/audit/shell.ts';

const words = (script: string) => commandsOf(script).map(command => command.words);

test('commands are divided at operators and lines; quotes, comments and escapes hold', () => {
  const script = `
    set -e # not a command; neither is this
    echo "a; b # c" 'd | e' && f\\ g || h \\
      i
    (j; k) | l & m#n
  `;
  assert.deepEqual(words(script), [
    ['set', '-e'],
    ['echo', 'a; b # c', 'd | e'],
    ['f g'],
    ['h', 'i'],
    ['j'],
    ['k'],
    ['l'],
    ['m#n'],
  ]);
});

test('what another shell is handed is read, and so are commands whose output is taken', () => {
  assert.deepEqual(words(`bash -ec 'pip install a; b'`), [
    ['bash', '-ec', 'pip install a; b'],
    ['pip', 'install', 'a'],
    ['b'],
  ]);
  assert.deepEqual(words('eval "c d"').at(-1), ['c', 'd']);
  assert.deepEqual(words('x="$(curl e)"')[0], ['curl', 'e']);
});

test('a here-document is text that is written, and the script goes on after it', () => {
  const script = "cat > start <<'END' && chmod +x start\n#!/bin/sh\npip install a\nEND\nls\n";
  const commands = commandsOf(script);
  assert.deepEqual(
    commands.map(({ words: [first], written }) => `${first} ${written}`),
    ['cat false', 'chmod false', 'ls false', 'pip true'],
  );
  assert.deepEqual(words('cat <<-E\n\ta b\n\tE\nc'), [['cat'], ['c'], ['a', 'b']]);
});

test('what stands before a program is none', () => {
  const program = (script: string) => programAndArguments(words(script)[0] ?? []);
  assert.deepEqual(program('A=1 B= exec /opt/bin/pip3 install a'), ['pip3', 'install', 'a']);
  assert.deepEqual(program('if ! sudo chroot mnt pip install a'), ['pip', 'install', 'a']);
  assert.deepEqual(program('A=1'), []);
});

test('any text is read to its end', () => {
  const letters = fc.constantFrom(...'\'"\\<E\n #;|&()`$ ab-'.split(''));
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 60 }), text => {
      assert.ok(commandsOf(text).every(command => command.words.length > 0));
    }),
    { numRuns: 500 },
  );
});
