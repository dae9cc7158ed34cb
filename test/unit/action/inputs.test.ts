import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretsIn } from '../../../src/inputs/secrets.ts';

test('of named secrets the secret itself is masked too, whichever way it is printed', () => {
  assert.deepEqual(
    secretsIn({
      'access-tokens': 'git.example=hunter2hunter2\ngithub.com=x',
      'cachix-auth-token': 'a-token-that-ends-with=',
      'cachix-signing-key': 'mine=mine.cachix.org-1:c2VjcmV0c2VjcmV0==',
      image: 'ghcr.io/owner/name:a-long-tag',
    }),
    [
      'git.example=hunter2hunter2\ngithub.com=x',
      'git.example=hunter2hunter2',
      'github.com=x',
      'a-token-that-ends-with=',
      'mine=mine.cachix.org-1:c2VjcmV0c2VjcmV0==',
      'hunter2hunter2',
      'mine.cachix.org-1:c2VjcmV0c2VjcmV0==',
      'c2VjcmV0c2VjcmV0==',
    ],
  );
});
