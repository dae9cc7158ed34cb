import { fileURLToPath } from 'node:url';
import { runProgram } from './programs.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Runs a script (bash, as root) on a machine of its own that has an account `member`, and gives what it
 * prints. Accounts and settings are those of a mount namespace, with the Nix that is first on PATH; what
 * stands in `env` is there for the script. It has these functions:
 *
 * - `start_daemon`: Nix is multi-user from now on, with build users and a daemon that trusts root alone,
 *   which nobody but this script runs; its process is `$daemon`;
 * - `boot_systemd`: the same, with a stand-in for systemd that runs it;
 * - `another_account`: `as_other COMMAND…` is then like `as_member`, for another account;
 * - `give_store`: the store belongs to the member;
 * - `allow_sudo WHAT`: what the member may run as root, in sudoers' words;
 * - `as_member COMMAND…`, `comfy ARGUMENT…`: a command, the program, as the member, in the home folder;
 * - `remote_build NAME`: the member builds something on a remote builder.
 */
export async function onMemberMachine(
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const kind = (await runProgram('nix', ['--version'])).includes(' 2.8.') ? 'system' : 'release';
  const all = Object.entries({
    ...env,
    node: process.execPath,
    cli: path('../../dist/cli.js'),
    systemctl: path('systemctl-stand-in'),
  });
  return runProgram(path('with-nix'), [
    ...[kind, '--', 'env', ...all.map(([name, value]) => `${name}=${value}`)],
    ...['bash', '-c', `${prelude}${script}`],
  ]);
}

const prelude = String.raw`
set -e
t=$(mktemp -d); chmod 755 $t
socket=/nix/var/nix/daemon-socket/socket
end() {
  for process in /proc/[0-9]*; do
    name=$(tr '\0' '\n' <$process/cmdline | head -n 1) || continue
    if [ "${'$'}{name##*/}" = nix-daemon ] && [ $process/root$socket -ef $socket ]; then
      kill "${'$'}{process#/proc/}"
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
for file in passwd group shadow sudoers.d; do mount --bind $t/$file /etc/$file; done
mkdir -p /etc/ssh/ssh_config.d
mount -t tmpfs -o mode=0755 tmpfs /etc/ssh/ssh_config.d
cd $t/home
multi_user() {
  sed -i /build-users-group/d /etc/nix/nix.conf
  echo 'build-users-group = nixbld' >>/etc/nix/nix.conf
}
boot_systemd() { multi_user; "$systemctl" boot; }
start_daemon() {
  multi_user
  nix-daemon >/dev/null 2>&1 &
  daemon=$!
  for attempt in $(seq 200); do [ -S $socket ] && break; sleep 0.05; done
}
give_store() { mkdir -p /nix/store /nix/var/nix; chown -R 30100:30100 /nix; }
allow_sudo() { echo "member ALL=(ALL) NOPASSWD: $1" >$t/sudoers.d/member; }
as() {
  local number=$1 home=$2
  shift 2
  setpriv --reuid=$number --regid=$number --init-groups env HOME=$home TMPDIR=$t/tmp \
    PATH="${'$'}{PATH%%:*}:/usr/local/sbin:/usr/bin:/bin" "$@" # none of root's own folders
}
as_member() { as 30100 $t/home "$@"; }
another_account() {
  echo 'other:x:30200:' >>/etc/group
  echo "other:x:30200:30200::$t/other:/bin/sh" >>/etc/passwd
  echo 'other:*:19000:0:99999:7:::' >>/etc/shadow
  echo 'other ALL=(ALL) NOPASSWD: ALL' >$t/sudoers.d/other
  chmod 1777 $t/tmp
  install -d -o 30200 -g 30200 $t/other
}
as_other() { as 30200 $t/other "$@"; }
comfy() { as_member "$node" "$cli" "$@" 2>&1; }
remote_build() {
  mkdir $t/shell
  cp /bin/busybox $t/shell
  local shell=$(as_member nix-store --add $t/shell)
  as_member nix-build --max-jobs 0 --no-out-link -E "derivation {
    name = \"$1\"; system = builtins.currentSystem; builder = \"\${builtins.storePath $shell}/busybox\";
    args = [ \"sh\" \"-c\" \"echo made > \$out\" ];
  }" 2>&1
}
`;
