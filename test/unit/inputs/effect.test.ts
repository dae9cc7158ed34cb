import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { githubContext, type RunContext } from '../../../src/inputs/context.ts';
import { type InputName, inputs, type RawInputs } from '../../../src/inputs/table.ts';
import { parseAudit } from '../../../src/inputs/verbs/audit.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { parseCopy } from '../../../src/inputs/verbs/copy.ts';
import { parsePlan, parseWhy } from '../../../src/inputs/verbs/plan.ts';
import { parsePrefetch } from '../../../src/inputs/verbs/prefetch.ts';
import { parseReport } from '../../../src/inputs/verbs/report.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { verbNames } from '../../../src/inputs/verbs.ts';

const parsers = {
  build: parseBuild,
  setup: parseSetup,
  prefetch: parsePrefetch,
  audit: parseAudit,
  report: parseReport,
  copy: parseCopy,
  plan: parsePlan,
  why: parseWhy,
};

const job: RunContext = {
  face: 'action',
  currentDirectory: '/work',
  temporaryDirectory: '/private',
  github: githubContext({ GITHUB_EVENT_NAME: 'push', GITHUB_REPOSITORY: 'o/n' }, {}),
};

/** What a verb needs to be read at all. */
const needed: RawInputs = {
  image: 'ghcr.io/o/n',
  source: 'oci:x',
  destination: 'ghcr.io/o/n',
  run: 'record.json',
};

const login: RawInputs = { 'registry-username': 'me', 'registry-password': 'secret' };

/** A value of each input that is not its default, with what it needs beside it. */
const samples: Record<InputName, string | [value: string, beside: RawInputs]> = {
  command: 'copy',
  check: 'true',
  undo: 'true',
  'dry-run': 'true',
  'exit-code': 'true',
  'trust-event': 'merge_group',
  flake: '.#x',
  flakes: '.#y',
  variants: 'comfyui-*',
  'include-unchanged': 'true',
  layer: 'one',
  source: 'oci:other',
  platform: 'linux/arm64',
  all: 'true',
  layers: 'one',
  'all-targets': 'true',
  'override-inputs': 'a=b',
  'accept-flake-config': 'true',
  'working-directory': 'sub',
  'max-layer-size': '1MiB',
  image: 'ghcr.io/o/other',
  destination: 'ghcr.io/o/other',
  tags: 'one',
  labels: 'a=b',
  annotations: 'a=b',
  push: 'false',
  'registry-username': ['you', login],
  'registry-password': ['other', login],
  'insecure-registries': 'registry:5000',
  'github-token': 'token',
  compression: 'none',
  reuse: 'false',
  'cache-tag': 'memory',
  'cache-from': 'ghcr.io/o/m:x',
  'install-nix': 'none',
  'nix-version': '2.34.8',
  'nix-release-url': 'https://mirror.example',
  'nix-release-sha256': 'a'.repeat(64),
  'nix-conf': 'sandbox = false',
  'access-tokens': 'git.example=token',
  'trusted-users': 'somebody',
  'max-jobs': '3',
  cores: '3',
  builders: 'ssh://one',
  'builder-ssh-key': ['key', { builders: 'ssh://one' }],
  'builder-known-hosts': ['one ssh-ed25519 AAAA', { builders: 'ssh://one' }],
  'reclaim-disk': 'true',
  'cuda-caches': 'false',
  'extra-substituters': 'https://cache.example',
  'extra-trusted-public-keys': `cache-1:${'A'.repeat(43)}=`,
  'cachix-name': 'mine',
  'cachix-auth-token': ['token', { 'cachix-name': 'mine' }],
  'cachix-signing-key': ['key', { 'cachix-name': 'mine' }],
  'cachix-push': ['false', { 'cachix-name': 'mine', 'cachix-auth-token': 'token' }],
  'cachix-push-filter': 'x',
  'cachix-pull': 'other',
  'binary-caches': 's3://bucket',
  'binary-cache-signing-key': 'k:secret',
  'github-cache': 'false',
  'github-cache-limit': '1MiB',
  wheels: 'w.toml',
  lock: 'w.json',
  verify: 'true',
  unpacked: 'true',
  record: 'r.json',
  audit: 'false',
  'audit-fail-on': 'error',
  comment: 'true',
  limits: 'sent < 1GB',
  'limits-mode': 'fail',
  'forbid-builds': 'torch',
  'unknown-build-time': '10m',
  run: 'ghcr.io/o/n',
  markdown: 'true',
  trace: 't.json',
  html: 'r.html',
};

for (const verb of verbNames) {
  test(`all inputs that ${verb} lists have an effect on it, and no other has one`, () => {
    const read = (raw: RawInputs) => parsers[verb]({ ...needed, ...raw }, job);
    for (const { name, verbs } of inputs) {
      const [value, beside] = [samples[name], {}].flat() as [string, RawInputs];
      const isListed = verbs !== 'face' && verbs.includes(verb);
      const hasEffect = !isDeepStrictEqual(read({ ...beside, [name]: value }), read(beside));
      assert.equal(hasEffect, isListed, name);
    }
  });
}
