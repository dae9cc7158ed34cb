import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOfStore } from '../../../src/nix/store-place.ts';

const places: [string, string | undefined][] = [
  ['auto', undefined],
  ['daemon', undefined],
  ['local', undefined],
  ['unix:///nix/var/nix/daemon-socket/socket', undefined],
  ['ssh-ng://builder', undefined],
  ['local?root=/x', '/x/nix/store'],
  ['local://?root=/x/y', '/x/y/nix/store'],
  ['local?state=/v&root=%2Fwith%20space', '/with space/nix/store'],
  ['daemon?root=/x', '/x/nix/store'],
  ['/x', '/x/nix/store'],
  ['/x%20y', '/x%20y/nix/store'],
  ['local:///x%20y', '/x y/nix/store'],
  ['local?real=/elsewhere/store', '/elsewhere/store'],
  ['local?root=/x&real=/elsewhere/store', '/elsewhere/store'],
];

for (const [setting, place] of places) {
  test(`the place of a store that is set to ${setting}`, () => {
    assert.equal(placeOfStore(setting, '/nix/store'), place);
  });
}
