import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { githubContext, type RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';

const terminal: RunContext = {
  face: 'command-line',
  currentDirectory: '/somewhere',
  temporaryDirectory: '/private',
};

function action(head = 'o/comfy'): RunContext {
  const env = { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REPOSITORY: 'o/comfy' };
  const payload = { pull_request: { head: { repo: { full_name: head } } } };
  return { ...terminal, face: 'action', github: githubContext(env, payload) };
}

const key = `cache-1:${'A'.repeat(43)}=`;
const everything: RawInputs = {
  'cuda-caches': 'false',
  'extra-substituters': 'https://one.example\ns3://bucket?region=x',
  'extra-trusted-public-keys': key,
  'nix-conf': 'sandbox = relaxed',
  'access-tokens': 'gitlab.example=PAT:abc',
  'github-token': 'job-token',
  'trusted-users': 'builder, @wheel',
  'max-jobs': 'auto',
  cores: '4',
  'cachix-name': 'mine\nother',
  'cachix-auth-token': 'mine=token1\nother=token2==',
  'cachix-signing-key': 'mine=key1==',
  'cachix-push': 'required',
  'cachix-push-filter': '-source$',
  'cachix-pull': 'third',
  'binary-caches': 's3://target',
  'binary-cache-signing-key': 'k:secret',
  builders: 'ssh-ng://host x86_64-linux',
  'builder-ssh-key': 'PRIVATE',
};

describe('the inputs of setup', () => {
  it('have defaults with which nothing secret is needed', () => {
    const { conf, caches, cacheRefusal } = parseSetup({}, terminal);
    assert.deepEqual([conf.accessTokens, conf.jobToken, conf.place], [[], undefined, 'user']);
    assert.deepEqual([caches.cudaCaches, caches.cachix.push, cacheRefusal], [true, [], undefined]);
  });

  it('say whether settings are written, taken back or only told', () => {
    const task = (raw: RawInputs) => parseSetup(raw, terminal).task;
    assert.deepEqual(
      [task({}), task({ undo: 'true' }), task({ check: 'true' })],
      ['write', 'undo', 'check'],
    );
    assert.throws(() => task({ undo: 'true', check: 'true' }), Failure);
  });

  it('all arrive', () => {
    const { conf, caches, builders } = parseSetup(everything, action());
    assert.deepEqual(conf, {
      lines: ['sandbox = relaxed'],
      accessTokens: [{ host: 'gitlab.example', token: 'PAT:abc' }],
      jobToken: 'job-token',
      trustedUsers: ['builder', '@wheel'],
      maxJobs: 'auto',
      cores: '4',
      place: 'job',
    });
    assert.deepEqual(caches, {
      cudaCaches: false,
      substituters: ['https://one.example', 's3://bucket?region=x'],
      publicKeys: [key],
      cachix: {
        pull: [
          { name: 'mine', token: 'token1' },
          { name: 'other', token: 'token2==' },
          { name: 'third', token: undefined },
        ],
        push: [
          { name: 'mine', token: 'token1', signingKey: 'key1==' },
          { name: 'other', token: 'token2==', signingKey: undefined },
        ],
        filter: /-source$/,
        required: true,
      },
      binaryCaches: ['s3://target'],
      signingKey: 'k:secret',
      github: { use: 'auto', limit: 2 * 2 ** 30, save: true },
    });
    assert.equal(builders?.sshKey, 'PRIVATE');
  });

  it('take one Cachix token for all caches, base64 with its padding too', () => {
    const raw = { 'cachix-name': 'a,b', 'cachix-auth-token': 'eyJhbGciOi==' };
    const { push } = parseSetup(raw, terminal).caches.cachix;
    assert.deepEqual(
      push.map(({ name, token }) => [name, token]),
      [
        ['a', 'eyJhbGciOi=='],
        ['b', 'eyJhbGciOi=='],
      ],
    );
  });

  it('do not push to Cachix where they say so, or where there is no token', () => {
    const named = { 'cachix-name': 'a' };
    assert.deepEqual(parseSetup(named, terminal).caches.cachix.push, []);
    const refused = { ...named, 'cachix-auth-token': 't', 'cachix-push': 'false' };
    assert.deepEqual(parseSetup(refused, terminal).caches.cachix.push, []);
  });

  it('give code from a fork no secret and no cache to write to', () => {
    const settings = parseSetup(everything, action('other/comfy'));
    assert.equal(
      settings.cacheRefusal,
      'Caches are only read, and no token or remote builder is used: the code comes from other/comfy.',
    );
    assert.deepEqual(settings.caches.substituters, ['https://one.example', 's3://bucket?region=x']);
    const text = JSON.stringify(settings);
    for (const secret of ['token', 'PAT', 'key1', 'k:secret', 'PRIVATE', 's3://target']) {
      assert.ok(!text.includes(`"${secret}`), `${secret} in ${text}`);
    }
    assert.equal(settings.builders, undefined);
    assert.equal(settings.caches.github.save, false);
    // also where no cache was set up: GitHub's is there without
    assert.ok(parseSetup({}, action('other/comfy')).cacheRefusal);
  });

  it("let a pull request from the repository itself save to GitHub's cache, in its own scope", () => {
    const { caches, cacheRefusal } = parseSetup(everything, action());
    assert.deepEqual([caches.github.save, cacheRefusal], [true, undefined]);
  });

  it('do not fail a fork for secrets that GitHub withholds from it', () => {
    const wanted = { 'cachix-name': 'a', 'cachix-push': 'required' };
    const { caches } = parseSetup(wanted, action('other/comfy'));
    assert.deepEqual([caches.cachix.push, caches.cachix.required], [[], false]);
  });
});

const wrong: [RawInputs, RegExp][] = [
  [{ 'access-tokens': 'hunter2' }, /access-tokens: line 1 is not of the form host=token/],
  [{ 'extra-trusted-public-keys': 'x' }, /expected name:key; found "x"/],
  [{ 'extra-substituters': 'cache' }, /extra-substituters: expected an address; found "cache"/],
  [{ 'binary-caches': 'https://u:hunter2@x.example' }, /address of x\.example has a password/],
  [{ 'max-jobs': 'many' }, /max-jobs: expected a whole number; found "many"/],
  [{ 'cachix-push': 'true', 'cachix-name': 'a' }, /no token and no key for a/],
  [{ 'cachix-push': 'true' }, /cachix-push: there is no cache in `cachix-name`/],
  [{ 'nix-release-url': 'hunter2' }, /nix-release-url: it is not an address/],
  [{ 'cachix-push-filter': '(' }, /cachix-push-filter: Invalid regular expression/],
  [
    { 'cachix-name': 'a,b', 'cachix-auth-token': 'a=x\nhunter2' },
    /cachix-auth-token: line 2 is not of the form name=secret/,
  ],
];

for (const [raw, message] of wrong) {
  it(`refuses ${Object.keys(raw).join(', ')}, and repeats no secret`, () => {
    assert.throws(
      () => parseSetup(raw, terminal),
      (error: unknown) =>
        error instanceof Failure &&
        error.exitCode === 2 &&
        message.test(error.message) &&
        !error.message.includes('hunter2'),
    );
  });
}
