import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kind } from '../build/machine.ts';
import type { Machine } from './hosted-runner.ts';

const withNix = fileURLToPath(new URL('../../tools/with-nix', import.meta.url));
const systemctl = fileURLToPath(new URL('../../tools/systemctl-stand-in', import.meta.url));
const member = 30100;
const other = 30200;

/**
 * In a mount namespace of its own: a daemon with build users, which a stand-in for systemd runs, and two
 * accounts that may use sudo and that the daemon does not trust. It says its PATH when the daemon
 * listens, and ends with its input.
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
echo 'other:x:${other}:' >>$t/group
echo 'other:x:${other}:${other}::/:/bin/sh' >>$t/passwd
echo 'other:*:19000:0:99999:7:::' >>$t/shadow
mkdir $t/sudoers.d
printf '%s ALL=(ALL) NOPASSWD: ALL\n' member other >$t/sudoers.d/both
for file in passwd group shadow sudoers.d; do mount --bind $t/$file /etc/$file; done
mount -t tmpfs -o mode=0755 tmpfs /etc/ssh/ssh_config.d
sed -i 's/^build-users-group.*/build-users-group = nixbld/' /etc/nix/nix.conf
"$1" boot
echo "/usr/local/sbin:$PATH" # a user has it not
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

/** A machine on which there can be more processes than those of this one user. */
export interface DaemonMachine extends Machine {
  /** A container on it, with the same files, for another account: with processes of its own. */
  container(): Promise<Machine>;
}

/** A multi-user machine, whose programs are run by a user without privileges. */
export async function daemonMachine(t: TestContext): Promise<DaemonMachine> {
  const { PATH, TMPDIR, NIX_RELEASE_DIR } = process.env;
  const child = spawn(withNix, [kind, '--', 'bash', '-c', script, 'bash', systemctl], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH, TMPDIR, NIX_RELEASE_DIR },
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.stdin.end();
    await ended;
  });
  const said = createInterface({ input: child.stdout });
  const [path] = (await Promise.race([once(said, 'line'), ended])) as unknown[];
  if (typeof path !== 'string') throw new Error('the machine with a daemon did not start');
  const asUser = (uid: number, name: string, inside: readonly string[]): Machine => ({
    uid,
    path,
    wrapper: (home, workspace) => [
      ...['nsenter', ...inside, `--wd=${workspace}`],
      ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--init-groups'],
      ...['env', `HOME=${home}`, `USER=${name}`],
    ],
  });
  const mount = ['--target', String(child.pid), '--mount'];
  return {
    ...asUser(member, 'member', mount),
    container: async () => {
      const init = await containerOn(t, mount);
      return asUser(other, 'other', ['--target', String(init), '--mount', '--pid']);
    },
  };
}

/** The first process of new namespaces on a machine. */
async function containerOn(t: TestContext, machine: readonly string[]): Promise<number> {
  const own = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const init = ['sh', '-c', 'echo ready; exec sleep infinity'];
  const child = spawn('nsenter', [...machine, ...own, ...init], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child.stdout, 'data');
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return Number(children.trim());
}
