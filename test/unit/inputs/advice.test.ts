import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceFor, unheededInputs } from '../../../src/inputs/advice.ts';
import { elsewhere } from '../../../src/inputs/elsewhere.ts';
import { inputs } from '../../../src/inputs/table.ts';
import type { VerbName } from '../../../src/inputs/verbs.ts';

test('inputs that a verb does not read are named, with the verbs that do', () => {
  const raw = { compression: 'gzip', check: 'true', 'cachix-auth-token': 't', wheels: 'w.toml' };
  assert.deepEqual(unheededInputs('prefetch', raw, []), [
    'The input compression has no effect. The verb prefetch does not read it; build, plan, why, and copy do.',
    'The input cachix-auth-token has no effect. The verb prefetch does not read it; build, plan, why, and setup do.',
  ]);
  assert.deepEqual(unheededInputs('build', { undo: 'true' }, []), [
    'The input undo has no effect. The verb build does not read it; setup does.',
  ]);
});

test('nothing is said of defaults, which the runner fills in, nor of what a face reads', () => {
  const filled = inputs.map(({ name, default: preset = '' }) => [name, preset]);
  const raw = { ...Object.fromEntries(filled), 'github-token': 'ghs', 'trust-event': 'x' };
  assert.deepEqual(unheededInputs('setup', raw, []), []);
});

const advice: [name: string, verb: VerbName, workflow: string, flag: string][] = [
  [
    'no-cache',
    'build',
    '`reuse: false` builds everything again.',
    '`--no-reuse` builds everything again.',
  ],
  [
    'context',
    'build',
    'There is no Dockerfile and no context: `flake` names what is built.',
    'There is no Dockerfile and no context: the argument `flake` names what is built.',
  ],
  [
    'skippush',
    'setup',
    '`cachix-push: false` pushes nothing.',
    '`--cachix-push false` pushes nothing.',
  ],
  [
    'authtoken',
    'setup',
    '`cachix-auth-token` is the token.',
    'the variable `CACHIX_AUTH_TOKEN` is the token.',
  ],
  [
    'imgae',
    'build',
    'There is none of this name; the nearest is `image`.',
    'There is none of this name; the nearest is `--image`.',
  ],
  [
    'registry_password',
    'build',
    'Here it is `registry-password`.',
    'Here it is the variable `REGISTRY_PASSWORD`.',
  ],
];

for (const [name, verb, workflow, flag] of advice) {
  test(`advice for ${name}`, () => {
    assert.equal(adviceFor(name, verb, 'action'), workflow);
    assert.equal(adviceFor(`--${name}`, verb, 'command-line'), flag);
  });
}

test('names of other tools are none of ours, and each sentence says what to use or that nothing is', () => {
  const own = new Set<string>(inputs.map(({ name }) => name));
  for (const [name, sentence] of elsewhere) {
    assert.match(name, /^[a-z][a-z0-9-]*$/);
    assert.ok(!own.has(name), name);
    const mentioned = [...sentence.matchAll(/`([a-z-]+)(?:: [^`]+)?`/g)].map(
      ([, each = '']) => each,
    );
    assert.ok(mentioned.some(each => own.has(each)) || sentence.startsWith('Nothing'), sentence);
    assert.match(sentence, /\.$/);
  }
});

test('the inputs of other actions that do the same have a sentence', () => {
  const theirs = {
    'docker/build-push-action':
      'context file no-cache no-cache-filters cache-to platforms build-args build-contexts target ' +
      'load outputs pull builder secrets ssh provenance sbom network add-hosts allow',
    'docker/login-action': 'registry username password logout',
    'cachix/install-nix-action':
      'extra_nix_config github_access_token install_url install_options nix_path enable_kvm ' +
      'set_as_trusted_user',
    'cachix/cachix-action':
      'name extraPullNames authToken signingKey skipPush pushFilter pathsToPush useDaemon',
    'DeterminateSystems/nix-installer-action':
      'extra-conf nix-package-url nix-installer-tag trust-runner-user planner init',
    'DeterminateSystems/magic-nix-cache-action': 'use-gha-cache use-flakehub upstream-cache',
  };
  for (const [action, names] of Object.entries(theirs)) {
    for (const name of names.split(' ')) {
      const said = adviceFor(name.toUpperCase(), 'build', 'action');
      assert.doesNotMatch(said, /the nearest is/, `${action}: ${name}`);
    }
  }
});
