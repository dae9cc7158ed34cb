import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

test('a daemon that does not trust the user is made to, also after a restart that failed; once', async () => {
  const said = await onMemberMachine(`
    start_daemon
    allow_sudo '/usr/bin/install, /usr/bin/mv'
    echo "before: $(comfy setup --no-cuda-caches)" | tr '\\n' ' '
    if ps -o stat= -p $daemon | grep -v '^Z' >/dev/null; then echo 'not restarted'; fi
    allow_sudo ALL
    comfy setup --no-cuda-caches --nix-conf 'keep-failed = true'
    if ps -o stat= -p $daemon | grep -v '^Z'; then echo 'the first daemon is there'; fi
    cat /etc/nix/comfy-nix.conf
    grep include /etc/nix/nix.conf
    as_member nix --extra-experimental-features nix-command store ping 2>&1
    as_member nix-store --add /etc/hostname
    comfy setup --no-cuda-caches
    grep -c include /etc/nix/nix.conf
  `);
  const after = said.replace(/^before: .*$/m, '');
  assert.match(said, /^before: .*Nix's daemon does not take the settings .* not restarted$/m);
  assert.ok(!after.includes('the first daemon is there'), said);
  assert.ok(!/warning: (Nix's daemon|ignoring)/.test(after), said);
  assert.match(said, /^extra-trusted-users = member$/m);
  assert.match(said, /^Store URL: daemon$/m);
  assert.match(said, /^\/nix\/store\/\S+-hostname$/m);
  assert.match(said, /^1$/m, 'one include, also after a second run');
});
