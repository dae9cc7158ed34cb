import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { requireKnownOutputs } from '../../../src/nix/evaluate.ts';
import type { Evaluation } from '../../../src/nix/types.ts';

const drvPath = '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-app.drv';
const known = { outPath: '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-app' };
const unknown = { outPath: `/${'0'.repeat(52)}` };

const evaluation = (
  target: object,
  layers: readonly object[] = [],
  root: readonly object[] = [],
) => {
  const output = (of: object) => ({ drvPath, outputName: 'out', ...of });
  return {
    installable: '.#x',
    target: output(target),
    recipe: { layers: layers.map(output), root: root.map(output) },
  } as unknown as Evaluation;
};

test('an output whose path is known only after its build is refused wherever it stands', () => {
  requireKnownOutputs(evaluation(known, [known], [known]));
  requireKnownOutputs({ ...evaluation(known), recipe: undefined });
  for (const [odd, field] of [
    [evaluation(unknown), '.#x'],
    [evaluation(known, [known, unknown]), 'recipe.layers[1].target'],
    [evaluation(known, [], [unknown]), 'recipe.root[0]'],
  ] as const) {
    assert.throws(
      () => requireKnownOutputs(odd),
      (error: Failure) =>
        error instanceof Failure &&
        error.message.startsWith(`${field}: the path of the output "out"`) &&
        /is not known before it is built/.test(error.message),
    );
  }
});
