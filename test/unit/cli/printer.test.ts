import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { hasColours } from '../../../src/cli/paint.ts';
import { openPrinter } from '../../../src/cli/printer.ts';

function printing(colours: boolean) {
  let told = '';
  const stderr = new Writable({
    write(chunk, _encoding, done) {
      told += String(chunk);
      done();
    },
  });
  const printer = openPrinter({ stdout: stderr, stderr, colours });
  return { printer, told: () => told };
}

const environments: [env: Record<string, string>, isTerminal: boolean, has: boolean][] = [
  [{ TERM: 'xterm' }, true, true],
  [{ TERM: 'xterm' }, false, false],
  [{ TERM: 'dumb' }, true, false],
  [{}, true, false],
  [{ TERM: 'xterm', NO_COLOR: '1' }, true, false],
  [{ TERM: 'xterm', NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '' }, false, true],
  [{ TERM: 'xterm', FORCE_COLOR: '0' }, true, false],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
];

for (const [env, isTerminal, has] of environments) {
  test(`colours with ${JSON.stringify(env)} ${isTerminal ? 'in a terminal' : 'in a pipe'}`, () => {
    assert.equal(hasColours(isTerminal, env), has);
  });
}

test('a look is around the first line of a text, and around nothing that others wrote', () => {
  const { printer, told } = printing(true);
  printer.tell('warning: a \u001b[32mgreen\u001b[0m \u001b[5;1H\nsecond\n', 'yellow');
  assert.equal(told(), '\u001b[33mwarning: a green \\e[5;1H\u001b[39m\nsecond\n');
  const plain = printing(false);
  plain.printer.tell('warning: a\n', 'yellow');
  assert.equal(plain.told(), 'warning: a\n');
});

test('a file is a link where the terminal has them, whatever its name is', () => {
  const { printer } = printing(true);
  const piece = { text: 'log\u001b\\', opens: '/tmp/a b\u001b\\\u0007#?.log' };
  assert.equal(printer.line([piece]), 'log\\e\\');
  printer.showLinks();
  assert.equal(
    printer.line([piece, { text: ' after 3 s', look: 'red' }]),
    '\u001b]8;;file:///tmp/a%20b%1B%5C%07%23%3F.log\u001b\\log\\e\\\u001b]8;;\u001b\\' +
      '\u001b[31m after 3 s\u001b[39m',
  );
});
