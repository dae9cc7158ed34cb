import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

/**
 * Programs that a set-up runs as its user or through sudo, with a count of their starts: at the one that
 * `at` names the set-up is killed, after the program has done its work.
 */
const killer = `
echo 0 >$t/tmp/count; echo 0 >$t/tmp/at; chmod 666 $t/tmp/*
for name in sudo cp mv rm mkdir touch chmod; do
  cat >/usr/local/sbin/$name <<'END'
#!/bin/sh
name=\${0##*/}
[ "$(/usr/bin/id -u)" = 0 ] && exec /usr/bin/$name "$@"
count=$(($(cat $TMPDIR/count) + 1))
echo $count >$TMPDIR/count
/usr/bin/$name "$@"
code=$?
[ $count != "$(cat $TMPDIR/at)" ] || kill -9 $PPID
exit $code
END
  chmod 755 /usr/local/sbin/$name
done
`;

test('a set-up that is killed at any point, then one that is not: all is as after one alone', async () => {
  const said = await onMemberMachine(`
    boot_systemd
    ${killer}
    allow_sudo ALL
    mkdir -p .config/nix
    printf 'keep-going = true' >.config/nix/nix.conf
    chown -R member:member .config
    echo 'access-tokens = git.example=hunter2' >>/etc/nix/nix.conf
    chmod 600 /etc/nix/nix.conf
    look() {
      find /etc/nix .config -printf '%p %y %m %u:%g\\n' | sort
      find /etc/nix .config -type f ! -name comfy-nix.conf -exec sha256sum {} + | sort
    }
    look >before
    comfy setup --no-cuda-caches
    look >after
    all=$(cat $t/tmp/count)
    comfy setup --undo
    for tenth in 0 1 2 3 4 5 6 7 8 9; do
      echo 0 >$t/tmp/count
      echo $((1 + tenth * (all - 1) / 9)) >$t/tmp/at
      comfy setup --no-cuda-caches >killed || echo "killed: $?"
      echo 0 >$t/tmp/at
      comfy setup --no-cuda-caches >whole
      look | diff after - && echo 'as after one alone'
      comfy setup --undo >undone
      look | diff before - && echo 'as it was'
    done
  `);
  assert.equal(said.match(/^killed: 137$/gm)?.length, 10, said);
  assert.equal(said.match(/^as after one alone$/gm)?.length, 10, said);
  assert.equal(said.match(/^as it was$/gm)?.length, 10, said);
});
