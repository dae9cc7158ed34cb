import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onMemberMachine } from '../../tools/member-machine.ts';

/** Puts a name before what a command says and how it ended, in one line. */
const functions = `
  told() {
    local name=$1 said code=0
    shift
    said=$("$@" 2>&1) || code=$?
    echo "$name $code: $(echo "$said" | tr '\\n' ' ')"
  }
  setup() { comfy setup --no-cuda-caches "$@"; }
`;

const lineOf = (said: string, name: string) =>
  new RegExp(`^${name} .*$`, 'm').exec(said)?.[0] ?? said;

test('a socket without a daemon is no store; a daemon that distrusts fails who asks for its settings', async () => {
  const said = await onMemberMachine(`
    ${functions}
    start_daemon
    told untrusted setup
    told asked setup --extra-substituters file:///srv/cache
    told harmless setup --cores 3
    kill $daemon
    while kill -0 $daemon 2>/dev/null; do sleep 0.05; done
    told dead setup
    if [ -e $t/home/.config/nix/comfy-nix.conf ]; then echo 'settings are there'; fi
  `);
  const untrusted = lineOf(said, 'untrusted');
  assert.match(
    untrusted,
    /^untrusted 0: .*Nix's daemon does not take the settings .* the user member/,
  );
  const asked = lineOf(said, 'asked');
  assert.match(
    asked,
    /^asked 1: .*the input asks for \(`--extra-substituters`\): Nix's daemon does not/,
  );
  assert.match(lineOf(said, 'harmless'), /^harmless 0: /);
  const dead = lineOf(said, 'dead');
  assert.match(dead, /^dead 1: .*Nix's daemon does not answer: .*socket/);
  assert.doesNotMatch(said, /settings are there/);
});

test('settings that later programs do not find are told, and fail who asked for them', async () => {
  const said = await onMemberMachine(`
    ${functions}
    give_store
    elsewhere() { as_member env NIX_USER_CONF_FILES=/nowhere "$node" "$cli" setup --no-cuda-caches "$@"; }
    told named elsewhere
    told wanted elsewhere --cores 3
    foreign() { as_member env HOME=$t/tmp/foreign "$node" "$cli" setup --no-cuda-caches "$@"; }
    mkdir $t/tmp/foreign
    told foreign foreign --cores 3
    cat $t/home/.config/nix/comfy-nix.conf
    over() { as_member env NIX_CONFIG='cores = 4' "$node" "$cli" setup --no-cuda-caches "$@"; }
    told variable over --cores 3
  `);
  assert.match(
    lineOf(said, 'named'),
    /^named 0: .*does not find .*NIX_USER_CONF_FILES names other files/,
  );
  assert.match(
    lineOf(said, 'wanted'),
    /^wanted 1: .*\(`--cores`\): Nix does not find the settings of this run yet/,
  );
  assert.match(said, /^cores = 3$/m, 'in the home of the account');
  assert.match(
    lineOf(said, 'variable'),
    /^variable 1: .*NIX_CONFIG of this environment \(line 1\)/,
  );
  // old versions take a HOME that is another user's
  const foreign = lineOf(said, 'foreign');
  assert.match(
    foreign,
    /^foreign (0: .*is ready|1: .*HOME \(\S+\), which belongs to another user)/,
  );
});
