import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

test("a store that is another user's is told before anything is evaluated", async () => {
  const said = await onMemberMachine(`
    nix-store --add /etc/hostname >/dev/null
    for command in 'setup --no-cuda-caches' 'build /nowhere#x --image oci:image'; do
      if comfy $command; then echo 'it was used'; fi
    done
  `);
  const told = said.match(/\/nix\/store is there and belongs to another user\./g);
  assert.equal(told?.length, 2, said);
  assert.match(said, /Use the Nix that this store belongs to/);
  assert.doesNotMatch(said, /it was used|Evaluating/);
});

test('a store of the user, and one behind a daemon, are used', async () => {
  const said = await onMemberMachine(`
    nix-store --add /etc/hostname >/dev/null
    give_store
    comfy setup --no-cuda-caches
    chown -R 0:0 /nix
    start_daemon
    allow_sudo ALL
    comfy setup --no-cuda-caches
  `);
  assert.doesNotMatch(said, /belongs to another user/);
  assert.equal(said.match(/ready/g)?.length, 2, said);
});
