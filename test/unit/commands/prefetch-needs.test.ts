import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withNeeds } from '../../../src/commands/prefetch/needs.ts';
import type { PrefetchRun } from '../../../src/commands/prefetch/run.ts';
import { noLists } from '../../../src/wheels/lists/asked.ts';
import type { SourcePin } from '../../../src/wheels/lock.ts';
import type { Variant } from '../../../src/wheels/variant.ts';

const variantOf = (python: string): Variant => ({ system: 'x86_64-linux', cuda: 'cu130', python });
const variants = [variantOf('3.12'), variantOf('3.13')];

test('what building a source takes is asked for where Python is the interpreter alone', () => {
  const lists = ({ python }: Variant) => ({
    ...{ ...noLists(), any: true, locked: [], buildsByWheels: python === '3.12' },
  });
  const wanted = { variants, sources: [{ kind: 'git', name: 'Made.It' }] };
  const pin = { requires: ['dep<2'], buildRequires: ['hatchling'] } as Partial<SourcePin>;
  const run = withNeeds({ wanted, lists } as unknown as PrefetchRun, {
    'Made.It': pin as SourcePin,
  });
  const asked = variants.map(each => run.lists(each).requirements.map(({ name }) => name));
  assert.deepEqual(asked, [['dep', 'hatchling'], ['dep']]);
});
