import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPrevious, recordToCompare } from '../../../src/commands/build/previous.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import type { RememberedRecord } from '../../../src/registry/remembered.ts';
import { sampleRecord } from '../record/sample.ts';

const row = (digest: string, more: Partial<RememberedRecord> = {}): RememberedRecord => ({
  ...{ digest, mediaType: 'm', size: 1, diffId: 'd', image: 'i', attribute: 'comfyui' },
  ...more,
});

const rows = [
  row('failed', { branch: 'main', image: undefined as never }),
  row('feature', { branch: 'feature' }),
  row('other', { branch: 'main', attribute: 'other' }),
  row('main', { branch: 'main' }),
  row('release', { branch: 'release' }),
  row('older', { branch: 'main' }),
];

const cases: [branches: string[], chosen: string | undefined][] = [
  [['main'], 'main'],
  [['release', 'main'], 'release'],
  [['gone', 'main'], 'main'],
  [['gone'], undefined],
  [[], 'feature'],
];
for (const [branches, chosen] of cases) {
  test(`compared with the last image of ${branches.join(', else ') || 'any branch'}`, () => {
    assert.equal(recordToCompare(rows, branches, 'comfyui')?.digest, chosen);
  });
}

/** Reads from a memory with these texts, by the digests of their rows. */
async function read(texts: Record<string, string | undefined>, compareWith: string[]) {
  const state: { previous?: BuildRecord; newest?: BuildRecord } = {};
  const own = {
    record: async (
      choose: (records: readonly RememberedRecord[]) => RememberedRecord | undefined,
    ) => texts[choose(rows)?.digest ?? ''],
  };
  await readPrevious(own, { compareWith }, 'comfyui', state);
  return { previous: state.previous?.flake, newest: state.newest?.flake };
}

test('the newest run knows how long layers took, the last of the branch is compared with', async () => {
  const text = (flake: string) => JSON.stringify(sampleRecord({ flake }));
  const texts = { failed: text('newest'), main: text('last') };
  assert.deepEqual(await read(texts, ['main']), { previous: 'last', newest: 'newest' });
  assert.deepEqual(await read({ failed: text('newest') }, ['main']), {
    previous: undefined,
    newest: 'newest',
  });
});

test('what is no record is not compared with', async () => {
  for (const main of ['{', '[]', '{"version":7}', undefined]) {
    assert.deepEqual(await read({ main }, ['main']), { previous: undefined, newest: undefined });
  }
});
