import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';
import { type SshBuilder, startSshBuilder } from '../../tools/ssh-builder.ts';

async function builderFor(t: TestContext): Promise<SshBuilder> {
  const builder = await startSshBuilder();
  t.after(() => builder.stop());
  return builder;
}

/** Inputs of the command line in the environment of a script, where `$builders` is a flag's value. */
const inputsFor = ({ port, key, knownHosts }: SshBuilder) => ({
  builders: `ssh-ng://root@127.0.0.1:${port}`,
  known: knownHosts,
  key: key.trim(),
});

const withBuilders =
  'env BUILDER_SSH_KEY="$key" "$node" "$cli" setup --no-cuda-caches --builders "$builders" ' +
  '--builder-known-hosts "$known" 2>&1';

async function builtThere(builder: SshBuilder, name: string): Promise<boolean> {
  const paths = await readdir(join(builder.nix, 'store')).catch(() => []);
  return paths.some(path => path.endsWith(`-${name}`));
}

test('a daemon builds on a remote builder with the key of a user; later settings take it back', async t => {
  const builder = await builderFor(t);
  const said = await onMemberMachine(
    `boot_systemd
    allow_sudo ALL
    for run in 1 2; do as_member ${withBuilders}; done
    stat -c 'key %a %U' .config/nix/comfy-nix-builder-key
    remote_build by-daemon
    comfy setup --no-cuda-caches
    ls -A .config/nix .ssh /etc/ssh/ssh_config.d 2>/dev/null || true`,
    inputsFor(builder),
  );
  assert.match(said, /^key 600 member$/m);
  assert.match(said, /^\/nix\/store\/\S+-by-daemon$/m);
  assert.ok(await builtThere(builder, 'by-daemon'), said);
  assert.ok(!/ssh_config\.d:\n\S|comfy-nix-builder-key$|^\.ssh:/m.test(said), said);
});

test('where nobody may become root, a port that the daemon cannot know is told', async t => {
  const builder = await builderFor(t);
  const said = await onMemberMachine(
    `start_daemon
    sed -i '$a trusted-users = root member' /etc/nix/nix.conf
    as_member ${withBuilders} || echo "exit code $?"`,
    inputsFor(builder),
  );
  assert.match(said, /ssh could not be told how to reach builders/);
  assert.match(said, new RegExp(`^ +Port ${builder.port}$`, 'm'));
  assert.match(said, /^Next: Put these lines into \/etc\/ssh\/ssh_config\.d\/comfy-nix\.conf/m);
  assert.match(said, /^exit code 1$/m);
});

test('what the set-up left is enough for a plain build, and goes when the inputs go', async t => {
  const builder = await builderFor(t);
  const said = await onMemberMachine(
    `give_store
    mkdir -m 700 .ssh; echo 'Host x' >.ssh/config; chmod 640 .ssh/config; chown -R member:member .ssh
    for run in 1 2; do as_member env ACCESS_TOKENS=git.example=hunter2 ${withBuilders}; done
    cat .ssh/config; stat -c 'config %a' .ssh/config
    ls -A $t/tmp
    remote_build by-user
    as_member nix --extra-experimental-features nix-command show-config 2>/dev/null | grep access
    comfy setup --no-cuda-caches
    ls -A .config/nix .ssh
    cat .ssh/config`,
    inputsFor(builder),
  );
  assert.match(said, /^Include comfy-nix\.conf\nHost x\nconfig 640\n/m);
  assert.match(said, /^\/nix\/store\/\S+-by-user$/m);
  assert.ok(await builtThere(builder, 'by-user'), said);
  assert.match(said, /^access-tokens = +git\.example=hunter2$/m);
  const left =
    /^\.config\/nix:\n\.comfy-nix\ncomfy-nix\.conf\nnix\.conf\n\n\.ssh:\nconfig\nHost x\n/m;
  assert.match(said, left);
});
