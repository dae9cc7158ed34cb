import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConfParts, confLines } from '../../../src/commands/setup/conf-lines.ts';
import { effectiveConf } from '../../../src/nix/conf.ts';

const fresh = (value: unknown) => ({ value, defaultValue: value });
const newNix = {
  'connect-timeout': fresh(15),
  'stalled-download-timeout': fresh(300),
  'download-attempts': fresh(5),
  fallback: fresh(false),
  'always-allow-substitutes': fresh(false),
  'narinfo-cache-negative-ttl': fresh(3600),
  'max-jobs': fresh(1),
  cores: fresh(0),
  'access-tokens': fresh({}),
};
const { 'always-allow-substitutes': _, ...oldNix } = newNix;

function parts(settings: Parameters<typeof effectiveConf>[0], more: Partial<ConfParts> = {}) {
  return {
    conf: { lines: [], accessTokens: [], trustedUsers: [], place: 'job' as const },
    githubHost: 'github.com',
    present: effectiveConf(settings),
    substituters: [],
    builders: [],
    limits: { maxJobs: 2, cores: 3 },
    netrc: [],
    pushes: false,
    ...more,
  };
}

describe('the settings of a run', () => {
  it('are those that a CI machine needs', () => {
    assert.deepEqual(confLines(parts(newNix)).lines, [
      'extra-experimental-features = nix-command flakes',
      'connect-timeout = 5',
      'stalled-download-timeout = 15',
      'download-attempts = 3',
      'fallback = true',
      'always-allow-substitutes = true',
      'max-jobs = 2',
      'cores = 3',
    ]);
  });

  it('hold nothing that this Nix does not know', () => {
    const { lines } = confLines(parts(oldNix));
    assert.ok(!lines.some(line => line.startsWith('always-allow')), lines.join('\n'));
  });

  it('leave alone what the user has set, unless an input says otherwise', () => {
    const users = {
      ...newNix,
      'max-jobs': { value: 8, defaultValue: 1 },
      fallback: { value: true, defaultValue: false },
    };
    const { lines } = confLines(parts(users));
    assert.ok(!lines.some(line => /^(max-jobs|fallback)/.test(line)), lines.join('\n'));
    const conf = { ...parts(users).conf, maxJobs: 'auto', cores: '0' };
    const said = confLines(parts(users, { conf })).lines;
    assert.deepEqual(said.slice(-2), ['max-jobs = auto', 'cores = 0']);
  });

  it('forget at once what a cache lacked where this run pushes', () => {
    const { lines } = confLines(parts(newNix, { pushes: true }));
    assert.ok(lines.includes('narinfo-cache-negative-ttl = 0'));
  });

  it('end with the lines of the input nix-conf', () => {
    const conf = { ...parts(newNix).conf, lines: ['sandbox = relaxed'] };
    assert.equal(confLines(parts(newNix, { conf })).lines.at(-1), 'sandbox = relaxed');
  });
});

describe('access tokens', () => {
  const conf = { ...parts(newNix).conf, jobToken: 'job' };

  it('are secret; the token of the job is for github.com', () => {
    const { lines, secret } = confLines(parts(newNix, { conf }));
    assert.deepEqual(secret, ['extra-access-tokens = github.com=job']);
    assert.ok(!lines.join().includes('job='));
  });

  it("of an Enterprise Server's job are for that server alone, and for none where it is unknown", () => {
    const ofServer = parts(newNix, { conf, githubHost: 'git.example' });
    assert.deepEqual(confLines(ofServer).secret, ['extra-access-tokens = git.example=job']);
    assert.deepEqual(confLines(parts(newNix, { conf, githubHost: undefined })).secret, []);
  });

  it('are those of the input before that of the job', () => {
    const accessTokens = [
      { host: 'github.com', token: 'mine' },
      { host: 'gitlab.example', token: 'PAT:x' },
    ];
    assert.deepEqual(confLines(parts(newNix, { conf: { ...conf, accessTokens } })).secret, [
      'extra-access-tokens = github.com=mine gitlab.example=PAT:x',
    ]);
  });

  it("of the input take the place of the user's own for the same server, which Nix would keep", () => {
    const tokens = { 'github.com': 'u', 'git.example': 'v' };
    const users = { ...newNix, 'access-tokens': { value: tokens, defaultValue: {} } };
    const accessTokens = [{ host: 'github.com', token: 'mine' }];
    assert.deepEqual(confLines(parts(users, { conf: { ...conf, accessTokens } })).secret, [
      'access-tokens = github.com=mine git.example=v',
    ]);
  });

  it('are those of the input nix-conf before all others', () => {
    const lines = ['extra-access-tokens = github.com=stated'];
    const accessTokens = [{ host: 'github.com', token: 'mine' }];
    assert.deepEqual(
      confLines(parts(newNix, { conf: { ...conf, lines, accessTokens } })).secret,
      [],
    );
  });

  it("are the user's own where nix.conf has them", () => {
    const users = {
      ...newNix,
      'access-tokens': { value: { 'github.com': 'u' }, defaultValue: {} },
    };
    assert.deepEqual(confLines(parts(users, { conf })).secret, []);
  });
});

describe('a netrc file that the input nix-conf names', () => {
  const conf = { ...parts(newNix).conf, lines: ['netrc-file = /a/netrc', 'keep-going = true'] };

  it('is named as it is, or is a part of the one that this run writes', () => {
    assert.ok(confLines(parts(newNix, { conf })).lines.includes('netrc-file = /a/netrc'));
    const { lines } = confLines(parts(newNix, { conf, netrc: ['machine a password b'] }));
    assert.deepEqual(lines.slice(-1), ['keep-going = true']);
    assert.ok(!lines.some(line => line.startsWith('netrc-file')), lines.join());
  });
});
