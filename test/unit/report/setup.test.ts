import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setupReport } from '../../../src/report/setup.ts';

const inEffect = {
  substituters: ['https://cache.nixos.org/', 'https://one.example'],
  trustedKeys: ['cache.nixos.org-1'],
  maxJobs: '2',
  cores: '0',
  tokensFor: [],
  daemon: 'trusting' as const,
};
const facts = {
  ...{ version: '2.34.8', bin: '/nix/bin', inEffect, leftOut: [] },
  ...{ refusal: undefined, stays: false },
};

test('a set-up with what Nix says is in effect, for a terminal and in the summary', () => {
  const { text, markdown } = setupReport(facts);
  assert.equal(
    text,
    [
      'Nix 2.34.8 is ready in /nix/bin. In effect, as Nix says:',
      '  substituters    https://cache.nixos.org/ https://one.example',
      '  trusted keys    cache.nixos.org-1',
      '  builds at once  2',
      '  cores a build   all',
      '  tokens for      none',
      '  store           a daemon, which takes these settings',
      '',
    ].join('\n'),
  );
  assert.match(markdown, /^## Nix 2\.34\.8 is ready\n\n\| In effect, as Nix says \| \|\n/);
  assert.match(markdown, /^\| builds at once \| 2 \|$/m);
});

test('what stays after a run is told, and how it goes', () => {
  const { text } = setupReport({ ...facts, stays: true });
  assert.match(text, /\nWhat was written stays; "comfy-nix setup --undo" takes it back\.\n$/);
});

test('the summary tells what is not used, and why', () => {
  const leftOut = [{ cache: 'https://one.example', reason: 'no answer in 5 s' }];
  const { markdown } = setupReport({ ...facts, leftOut, refusal: 'The code comes from a/b.' });
  assert.match(markdown, /> \[!NOTE\]\n> The code comes from a\/b\.\n/);
  assert.match(markdown, /> \[!WARNING\]\n> Nothing is taken from https:.*: no answer in 5 s\.\n/);
});
