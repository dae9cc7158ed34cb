import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setupReport } from '../../../src/report/setup.ts';

const facts = { version: '2.34.8', bin: '/nix/bin', leftOut: [], refusal: undefined, stays: false };

test('a set-up in a sentence, and in the summary', () => {
  assert.deepEqual(setupReport(facts), {
    text: 'Nix 2.34.8 is ready in /nix/bin.\n',
    markdown: '## Nix 2.34.8 is ready\n',
  });
});

test('what stays after a run is told, and how it goes', () => {
  const { text } = setupReport({ ...facts, stays: true });
  assert.match(
    text,
    /is ready in .*\nWhat was written stays; "comfy-nix setup --undo" takes it back\.\n$/,
  );
});

test('the summary tells what is not used, and why', () => {
  const leftOut = [{ cache: 'https://one.example', reason: 'no answer in 5 s' }];
  const { markdown } = setupReport({ ...facts, leftOut, refusal: 'The code comes from a/b.' });
  assert.match(markdown, /> \[!NOTE\]\n> The code comes from a\/b\.\n/);
  assert.match(markdown, /> \[!WARNING\]\n> Nothing is taken from https:.*: no answer in 5 s\.\n/);
});
