import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

/** A home whose files are links into the store, as home-manager makes it; `run COMMAND…` is its owner. */
const home = `
mkdir made
echo 'keep-going = true' >made/nix.conf
echo 'Host x' >made/config
made=$(run nix-store --add $PWD/made)
run mkdir -p .config/nix
run mkdir -m 700 .ssh
run ln -s $made/nix.conf .config/nix/nix.conf
run ln -s $made/config .ssh/config
setup() { run env HOME=$PWD "$node" "$cli" setup --no-cuda-caches "$@" 2>&1; }
settings() { run env HOME=$PWD "$@" nix --extra-experimental-features nix-command show-config 2>/dev/null; }
setup
setup --nix-conf 'keep-failed = true' >refused || echo "exit code $?"
cat refused
files=$(sed -n 's/.*\\(NIX_USER_CONF_FILES=[^ ]*\\).*/\\1/p' refused)
settings "$files" | grep -E '^keep-(going|failed) ='
run env $files HOME=$PWD "$node" "$cli" setup --no-cuda-caches --nix-conf 'keep-failed = true' 2>&1
# root's ssh looks into the home folder of its account, which is this machine's
[ "$(run id -u)" = 0 ] || setup --builders ssh-ng://b.example:2222 || true
nix-store --verify-path $made && echo 'unmodified'
readlink .config/nix/nix.conf .ssh/config
setup --undo
ls -A .config/nix .ssh
`;

const accounts = {
  'a user': 'give_store; run() { as_member "$@"; }',
  root: 'chown root:root .; run() { "$@"; }',
};

for (const [who, prepare] of Object.entries(accounts)) {
  test(`files that home-manager has linked into the store stay what they are: ${who}`, async () => {
    const said = await onMemberMachine(`${prepare}\n${home}`);
    assert.match(said, /^warning: .*nix\.conf stays as it is, since it lies in a Nix store/m, said);
    assert.match(said, /^Next: .*Add the line "!include \S+comfy-nix\.conf" .*home-manager/m);
    assert.match(said, /^exit code 1$/m, 'what an input asks for is not to be had');
    assert.match(said, /^keep-failed = true\nkeep-going = true$/m, 'by the variable both are');
    assert.equal(said.match(/^Nix \S+ is ready/gm)?.length, 2, 'once it is set, all is well');
    if (who !== 'root')
      assert.match(said, /ssh could not be .*\.ssh\/config stays as it is, since it lies/);
    assert.match(said, /^unmodified\n(\/nix\/store\/\S+)\/nix\.conf\n\1\/config$/m, said);
    assert.match(said, /^\.config\/nix:\nnix\.conf\n\n\.ssh:\nconfig$/m, said);
  });
}
