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
    target: output(target),
    recipe: { layers: layers.map(output), root: root.map(output) },
  } as unknown as Evaluation;
};

test('an output whose path is known only after its build is refused wherever it stands', () => {
  requireKnownOutputs(evaluation(known, [known], [known]));
  requireKnownOutputs({ ...evaluation(known), recipe: undefined });
  for (const odd of [
    evaluation(unknown),
    evaluation(known, [known, unknown]),
    evaluation(known, [], [unknown]),
  ]) {
    assert.throws(
      () => requireKnownOutputs(odd),
      (error: Failure) =>
        error instanceof Failure && /is not known before it is built/.test(error.message),
    );
  }
});
