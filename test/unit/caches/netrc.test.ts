import assert from 'node:assert/strict';
import { test } from 'node:test';
import { netrcEntry, netrcLogin } from '../../../src/caches/netrc.ts';

const login = (username: string, password: string) => ({ username, password });

test('the first entry of a machine that has a password wins, whatever the lines are', () => {
  const text = [
    '# machine a login comment password comment',
    'machine b login no password no machine a login first',
    'password one # the rest is a comment: password two',
    'machine a login second password three',
  ].join('\r\n');
  assert.deepEqual(netrcLogin(text, 'a'), login('first', 'one'));
  assert.deepEqual(netrcLogin(text, 'A'), login('first', 'one'));
  assert.deepEqual(netrcLogin(text, 'a', 'second'), login('second', 'three'));
  assert.equal(netrcLogin(text, 'a', 'third'), undefined);
  assert.equal(netrcLogin(text, 'c'), undefined);
});

test('default fits every machine that has not come before it', () => {
  const text = 'machine a password one default login anybody password two machine c password three';
  assert.deepEqual(netrcLogin(text, 'a'), login('', 'one'));
  assert.deepEqual(netrcLogin(text, 'b'), login('anybody', 'two'));
  assert.deepEqual(netrcLogin(text, 'c'), login('anybody', 'two'));
});

test('quotes, macros, keywords as values, and entries without a password', () => {
  const macro = 'macdef init\nmachine a login macro password macro\n\n';
  assert.deepEqual(
    netrcLogin(`${macro}machine a login "a b" password "q\\"\\\\\\n"`, 'a'),
    login('a b', 'q"\\\n'),
  );
  assert.deepEqual(
    netrcLogin('machine a login password password login', 'a'),
    login('password', 'login'),
  );
  assert.deepEqual(netrcLogin('machine a account x password p#1', 'a'), login('', 'p#1'));
  assert.equal(netrcLogin('machine a login only', 'a'), undefined);
  assert.equal(netrcLogin('machine a password', 'a'), undefined);
  assert.equal(netrcLogin('machine', 'a'), undefined);
});

test('an entry that this program writes says what it was given', () => {
  for (const password of ['plain', 'with "quotes"', '#hash', 'back\\slash', 'a b']) {
    assert.deepEqual(netrcLogin(netrcEntry('a', password), 'a'), login('', password));
  }
});
