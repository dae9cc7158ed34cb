import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../tools/programs.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * On a machine with a daemon, build users, and a member who may use sudo and whom the daemon does not
 * trust. Accounts are those of a mount namespace; `$1` is Node, `$2` the command line's entry.
 */
const script = `
set -e
t=$(mktemp -d); chmod 755 $t
socket=/nix/var/nix/daemon-socket/socket
end() {
  for process in /proc/[0-9]*; do
    name=$(tr '\\0' '\\n' <$process/cmdline | head -n 1) || continue
    if [ "\${name##*/}" = nix-daemon ] && [ $process/root$socket -ef $socket ]; then
      kill "\${process#/proc/}"
    fi
  done 2>/dev/null
  umount /etc/passwd /etc/group /etc/shadow /etc/sudoers.d
  rm -rf $t
}
trap end EXIT
cp /etc/passwd /etc/group /etc/shadow $t
sed -i /^nixbld/d $t/passwd $t/group
echo 'nixbld:x:30000:nixbld1' >>$t/group
echo 'nixbld1:x:30001:30000::/var/empty:/usr/sbin/nologin' >>$t/passwd
echo 'member:x:30100:' >>$t/group
echo "member:x:30100:30100::$t/home:/bin/sh" >>$t/passwd
echo 'member:*:19000:0:99999:7:::' >>$t/shadow
mkdir $t/home $t/tmp $t/sudoers.d
chown 30100:30100 $t/home $t/tmp
touch $t/sudoers.d/member
for file in passwd group shadow sudoers.d; do mount --bind $t/$file /etc/$file; done
sed -i /build-users-group/d /etc/nix/nix.conf
echo 'build-users-group = nixbld' >>/etc/nix/nix.conf
cd $t/home
nix-daemon >/dev/null 2>&1 &
first=$!
for attempt in $(seq 200); do [ -S $socket ] && break; sleep 0.05; done
as_member() { setpriv --reuid=30100 --regid=30100 --init-groups env HOME=$t/home TMPDIR=$t/tmp "$@"; }
echo 'member ALL=(ALL) NOPASSWD: /usr/bin/install, /usr/bin/mv' >$t/sudoers.d/member
echo "before: $(as_member "$1" "$2" setup --no-cuda-caches 2>&1)" | tr '\\n' ' '
if ps -o stat= -p $first | grep -v '^Z' >/dev/null; then echo 'not restarted'; fi
echo 'member ALL=(ALL) NOPASSWD: ALL' >$t/sudoers.d/member
as_member "$1" "$2" setup --no-cuda-caches --nix-conf 'keep-failed = true' 2>&1
if ps -o stat= -p $first | grep -v '^Z'; then echo 'the first daemon is there'; fi
cat /etc/nix/comfy-nix.conf
grep include /etc/nix/nix.conf
as_member nix --extra-experimental-features nix-command store ping 2>&1
as_member nix-store --add /etc/hostname
as_member "$1" "$2" setup --no-cuda-caches 2>&1
grep -c include /etc/nix/nix.conf
`;

test('a daemon that does not trust the user is made to, also after a restart that failed; once', async () => {
  const kind = (await runProgram('nix', ['--version'])).includes(' 2.8.') ? 'system' : 'release';
  const said = await runProgram(path('../../tools/with-nix'), [
    kind,
    '--',
    ...['bash', '-c', script, 'bash', process.execPath, path('../../../src/cli/main.ts')],
  ]);
  assert.ok(!said.includes('the first daemon is there'), said);
  const after = said.replace(/^before: .*$/m, '');
  assert.ok(!/warning: (Nix's daemon|ignoring)/.test(after), said);
  assert.match(said, /^before: .*Nix's daemon does not take the settings .* not restarted$/m);
  assert.match(said, /^extra-trusted-users = member$/m);
  assert.match(said, /^Store URL: daemon$/m);
  assert.match(said, /^\/nix\/store\/\S+-hostname$/m);
  assert.match(said, /^1$/m, 'one include, also after a second run');
});
