import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { asAddress } from '../../../src/nix/flake-reference.ts';

const base = mkdtempSync(join(tmpdir(), 'references-'));
after(() => rmSync(base, { recursive: true }));

const odd = join(base, '50% #1 what?é');
mkdirSync(join(odd, 'flakes/a b'), { recursive: true });
const escapedOdd = `${base}/50%25%20%231%20what%3F%C3%A9`;

test('a folder is meant as it is called', () => {
  assert.equal(asAddress(`path:${odd}#x`, '/'), `path:${escapedOdd}#x`);
  assert.equal(asAddress(`path:${odd}`, '/'), `path:${escapedOdd}`);
  assert.equal(asAddress(`path:./50% #1 what?é#x.y`, base), `path:${escapedOdd}#x.y`);
  assert.equal(asAddress('path:./flakes/a b#x', odd), `path:${escapedOdd}/flakes/a%20b#x`);
});

test('below the current folder it is named from there, which needs no escapes', () => {
  assert.equal(asAddress(`path:${odd}/flakes#x`, odd), 'path:./flakes#x');
  assert.equal(asAddress(`path:${odd}#x`, odd), 'path:./#x');
  assert.equal(asAddress(`path:${odd}/flakes/a b#x`, join(odd, 'flakes/a b')), 'path:./#x');
  assert.equal(asAddress(`path:${odd}#x`, join(odd, 'flakes')), `path:${escapedOdd}#x`);
});

test('what is an address already stays what it is', () => {
  for (const reference of [
    '.#x',
    './a b#x',
    'github:org/a b#x',
    `path:${base}#x`,
    `path:${escapedOdd}#x`,
    `path:${base}?dir=flakes#x`,
    `path:${base}/there is none#x`,
    'path:.',
    '',
  ]) {
    assert.equal(asAddress(reference, base), reference);
  }
});
