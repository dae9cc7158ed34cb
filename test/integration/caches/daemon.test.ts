import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

/** What a script finds out about the machine's own nix.conf, and what is beside it. */
const look = `
look() {
  stat -c '%F %a %U:%G' /etc/nix/nix.conf
  stat -L -c '%F %a %U:%G' /etc/nix/nix.conf
  readlink -f /etc/nix/nix.conf
  sha256sum /etc/nix/nix.conf
  ls -A /etc/nix
}
`;
const trusted = `as_member nix --extra-experimental-features nix-command store ping \\
  --option extra-substituters http://x.example 2>&1 | grep -c 'ignoring untrusted' || true`;
const setup = 'comfy setup --no-cuda-caches';

test('a daemon that systemd runs comes to trust the user, once, and until it is undone', async () => {
  const said = await onMemberMachine(`
    ${look}
    boot_systemd
    allow_sudo ALL
    look >before
    ${setup} --check
    look | diff before - && ls -A . && echo 'nothing is written'
    echo "untrusted: $(${trusted})"
    for run in 1 2; do ${setup}; done
    ${setup} --check | grep -A 9 '/comfy-nix.conf'
    echo "untrusted: $(${trusted})"
    cat /etc/nix/comfy-nix.conf
    grep -c include /etc/nix/nix.conf
    wc -l </run/with-nix/systemd/restarts
    as_member nix-store --add /etc/hostname
    comfy setup --undo
    look | diff before - && echo 'as it was'
    echo "untrusted: $(${trusted})"
  `);
  assert.deepEqual(said.match(/(?<=^untrusted: ).*$/gm), ['1', '0', '1'], said);
  assert.match(
    said,
    /^A set-up writes \S+\/home\/\.config\/nix\/comfy-nix\.conf, .*\n.*\n {2}not in effect {2}/m,
  );
  assert.match(said, /^ {2}not in effect {2}extra-trusted-users = member$/m);
  assert.match(said, /^Nothing was written\.\nbefore\nnothing is written$/m, said);
  assert.match(said, /^ {2}in effect {6}connect-timeout = 5$/m);
  assert.match(said, /^extra-trusted-users = member\n1\n1\n\/nix\/store\/\S+-hostname$/m);
  assert.match(said, /^Taken back: .*the daemon's trust in this user\.\nas it was$/m);
  assert.doesNotMatch(said, /^warning/m);
});

test('a build on a terminal takes its trust back when it ends, however that is', async () => {
  const said = await onMemberMachine(`
    ${look}
    boot_systemd
    allow_sudo ALL
    look >before
    comfy build --no-cuda-caches path:$t/none || echo "exit code $?"
    wc -l </run/with-nix/systemd/restarts
    look | diff before - && ls -A . && echo 'as it was'
  `);
  assert.match(said, /^exit code 1\n2\nbefore\nas it was$/m, said);
});

test('a daemon that nobody’s service manager runs keeps its process, and no other is started', async () => {
  const said = await onMemberMachine(`
    ${look}
    # what sudo would find by name
    mount -t tmpfs tmpfs /usr/local/bin
    printf '#!/bin/sh\\ntouch /usr/local/bin/started\\n' >/usr/local/bin/nix-daemon
    chmod 755 /usr/local/bin/nix-daemon
    start_daemon
    allow_sudo ALL
    look >before
    ${setup}
    kill -0 $daemon && readlink /proc/$daemon/exe
    readlink -f "$(command -v nix-daemon)"
    ls -A /usr/local/bin
    as_member nix-store --add /etc/hostname
    # its owner does what is said
    kill $daemon; wait $daemon || true; rm -f $socket
    start_daemon
    echo "untrusted: $(${trusted})"
    ${setup} --trusted-users other || echo "exit code $?"
    comfy setup --undo
    look | diff before - && echo 'as it was'
  `);
  assert.match(
    said,
    /^warning: .*systemd does not run this one: whoever has started it restarts it/m,
  );
  assert.match(said, /^(\/\S+\/nix)\n\1\nnix-daemon\n\/nix\/store\/\S+-hostname$/m, 'its program');
  assert.equal(said.match(/^warning/gm)?.length, 1, said);
  assert.match(said, /^untrusted: 0$/m);
  assert.match(
    said,
    /\(`--trusted-users`\): Nix's daemon does not trust other: .*\n.*\nNext: .*restarts it.*\nexit code 1$/m,
  );
  assert.match(said, /^The daemon has not noticed yet\. .*\nas it was$/m);
});

const kinds: Record<string, string> = {
  'that only root may read, with a token': `
    echo 'access-tokens = git.example=hunter2' >>/etc/nix/nix.conf
    chmod 600 /etc/nix/nix.conf`,
  'of a group, without an end of its last line': `
    printf 'connect-timeout = 7' >>/etc/nix/nix.conf
    chown root:nixbld /etc/nix/nix.conf
    chmod 640 /etc/nix/nix.conf`,
  'that is a link': `
    mkdir /etc/nix/real
    mv /etc/nix/nix.conf /etc/nix/real/it.conf
    ln -s real/it.conf /etc/nix/nix.conf`,
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`a nix.conf ${kind} keeps all that it has, and is as it was after all`, async () => {
    const said = await onMemberMachine(`
      ${look}
      boot_systemd
      allow_sudo ALL
      ${make}
      look >before
      cp /etc/nix/nix.conf text
      ${setup}
      look | sed '/nix.conf$/d; /comfy-nix/d' >after
      sed '/nix.conf$/d' before | diff - after && echo 'owner, mode and links are kept'
      head -c $(wc -c <text) /etc/nix/nix.conf | cmp - text && echo 'its text is kept'
      echo "untrusted: $(${trusted})"
      comfy setup --undo
      look | diff before - && echo 'as it was'
    `);
    assert.match(said, /^owner, mode and links are kept\nits text is kept$/m, said);
    assert.match(said, /^untrusted: 0$/m);
    assert.match(said, /^as it was$/m, said);
    assert.ok(!said.includes('hunter2'));
  });
}

const unchangeable: Record<string, string> = {
  'in a store': `
    mkdir -p /nix/store/0123456789abcdfghijklmnpqrsvwxyz-etc
    mv /etc/nix/nix.conf /nix/store/0123456789abcdfghijklmnpqrsvwxyz-etc/
    ln -s /nix/store/0123456789abcdfghijklmnpqrsvwxyz-etc/nix.conf /etc/nix/nix.conf`,
  'that is read-only': 'chmod 444 /etc/nix/nix.conf',
  'in a folder that only root may enter': 'chmod 700 /etc/nix',
  'that is mounted by itself': `
    cp /etc/nix/nix.conf mounted
    mount --bind mounted /etc/nix/nix.conf`,
  'on a read-only file system': 'mount -o remount,ro /etc/nix',
};

for (const [kind, make] of Object.entries(unchangeable)) {
  test(`a nix.conf ${kind} is left alone, and what to do is said`, async () => {
    const said = await onMemberMachine(`
      ${look}
      boot_systemd
      allow_sudo ALL
      ${make}
      look >before
      ${setup}
      ${setup} --trusted-users other || echo "exit code $?"
      look | diff before - && echo 'as it was'
    `);
    assert.match(said, /^warning: Nix's daemon does not take the settings of this run/m);
    assert.match(said, /^Next: .*restart nix-daemon\.$/m);
    assert.match(said, /^exit code 1$/m);
    assert.match(said, /^as it was$/m, said);
  });
}

test('where nix.conf is made anew at each start, the file for its owner has the line', async () => {
  const said = await onMemberMachine(`
    ${look}
    boot_systemd
    # the daemon of this distribution of Nix writes nix.conf when it starts
    cp /etc/nix/nix.conf generated
    echo '!include nix.custom.conf' >>generated
    program=$(cat /run/with-nix/systemd/program)
    printf '#!/bin/sh\\ncp %s /etc/nix/nix.conf\\nexec %s\\n' $PWD/generated $program >daemon
    chmod 755 daemon
    echo $PWD/daemon >/run/with-nix/systemd/program
    /usr/local/sbin/systemctl restart nix-daemon.service
    allow_sudo ALL
    look >before
    ${setup}
    cat /etc/nix/nix.custom.conf
    echo "untrusted: $(${trusted})"
    comfy setup --undo
    look | diff before - && echo 'as it was'
  `);
  assert.doesNotMatch(said, /^warning/m);
  assert.match(said, /^!include comfy-nix\.conf\nuntrusted: 0$/m);
  assert.match(said, /^as it was$/m, said);
});

test('two accounts: the daemon trusts both, whichever comes and goes', async () => {
  const said = await onMemberMachine(`
    ${look}
    boot_systemd
    another_account
    allow_sudo ALL
    look >before
    ${setup}
    cd $t/other
    as_other "$node" "$cli" setup --no-cuda-caches 2>&1
    cat /etc/nix/comfy-nix.conf
    as_other "$node" "$cli" setup --undo 2>&1
    cat /etc/nix/comfy-nix.conf
    echo "untrusted: $(${trusted})"
    cd $t/home
    comfy setup --undo
    look | diff before - && echo 'as it was'
  `);
  assert.match(said, /^extra-trusted-users = member\nextra-trusted-users = other$/m);
  assert.match(said, /this user\.\n# .*\nextra-trusted-users = member\nuntrusted: 0$/m, said);
  assert.match(said, /^as it was$/m, said);
  assert.doesNotMatch(said, /^warning/m);
});
