import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kind } from '../build/machine.ts';
import type { Machine } from './hosted-runner.ts';

const withNix = fileURLToPath(new URL('../../tools/with-nix', import.meta.url));
const systemctl = fileURLToPath(new URL('../../tools/systemctl-stand-in', import.meta.url));
const member = 30100;

/**
 * In a mount namespace of its own: a daemon with build users, which a stand-in for systemd runs, and a
 * member who may use sudo and whom the daemon does not trust. It says its PATH when the daemon listens,
 * and ends with its input.
 */
const script = `
set -e
t=$(mktemp -d); chmod 755 $t
socket=/nix/var/nix/daemon-socket/socket
cp /etc/passwd /etc/group /etc/shadow $t
sed -i /^nixbld/d $t/passwd $t/group
echo 'nixbld:x:30000:nixbld1,nixbld2' >>$t/group
echo 'nixbld1:x:30001:30000::/var/empty:/usr/sbin/nologin' >>$t/passwd
echo 'nixbld2:x:30002:30000::/var/empty:/usr/sbin/nologin' >>$t/passwd
echo 'member:x:${member}:' >>$t/group
echo 'member:x:${member}:${member}::/:/bin/sh' >>$t/passwd
echo 'member:*:19000:0:99999:7:::' >>$t/shadow
mkdir $t/sudoers.d
echo 'member ALL=(ALL) NOPASSWD: ALL' >$t/sudoers.d/member
for file in passwd group shadow sudoers.d; do mount --bind $t/$file /etc/$file; done
mount -t tmpfs -o mode=0755 tmpfs /etc/ssh/ssh_config.d
sed -i 's/^build-users-group.*/build-users-group = nixbld/' /etc/nix/nix.conf
"$1" boot
echo "$PATH"
cat >/dev/null
for process in /proc/[0-9]*; do
  name=$(cat $process/cmdline 2>/dev/null | tr '\\0' '\\n'  | head -n 1) || continue
  if [ "\${name##*/}" = nix-daemon ] && [ $process/root$socket -ef $socket ]; then
    kill "\${process#/proc/}"
  fi
done
umount /etc/passwd /etc/group /etc/shadow /etc/sudoers.d
rm -rf $t
`;

/** A multi-user machine, whose programs are run by a user without privileges. */
export async function daemonMachine(t: TestContext): Promise<Machine> {
  const child = spawn(withNix, [kind, '--', 'bash', '-c', script, 'bash', systemctl], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, NIX_RELEASE_DIR: process.env.NIX_RELEASE_DIR },
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.stdin.end();
    await ended;
  });
  const said = createInterface({ input: child.stdout });
  const [path] = (await Promise.race([once(said, 'line'), ended])) as unknown[];
  if (typeof path !== 'string') throw new Error('the machine with a daemon did not start');
  const enter = ['nsenter', '--target', String(child.pid), '--mount'];
  const become = ['setpriv', `--reuid=${member}`, `--regid=${member}`, '--init-groups'];
  return {
    uid: member,
    path,
    wrapper: (home, workspace) => [
      ...[...enter, `--wd=${workspace}`, ...become],
      ...['env', `HOME=${home}`, 'USER=member'],
    ],
  };
}
