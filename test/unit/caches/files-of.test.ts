import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOf, isBelow } from '../../../src/caches/files-of.ts';

test('a file is that of a cache whatever login either address has, and not of its neighbour', () => {
  const base = baseOf('https://me:secret@cache.example:443/one/?priority=10');
  assert.equal(base, 'https://cache.example/one/');
  assert.ok(isBelow('https://cache.example/one/nix-cache-info', base));
  assert.ok(isBelow('https://you:x@CACHE.example/one/nar/a.nar.xz', base));
  assert.ok(isBelow('https://cache.example/one', base));
  assert.ok(!isBelow('https://cache.example/one-more/nix-cache-info', base));
  assert.ok(!isBelow('https://cache.example.evil/one/nix-cache-info', base));
  assert.ok(!isBelow('no address', base));
});
