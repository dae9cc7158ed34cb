import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { readRecipe } from '../../../src/nix/recipe.ts';

const recipeWith = (matrix: unknown) => ({
  name: 'comfyui',
  tag: 'cu130',
  layers: [{ name: 'layer0-base', targets: [] }],
  matrix,
});

test('texts, numbers and booleans of the matrix become text', () => {
  const matrix = { cuda: '13.0', jobs: 2, share: 0.5, gpu: true, 'torch-version': '' };
  assert.deepEqual(readRecipe(recipeWith(matrix), {}).matrix, {
    cuda: '13.0',
    jobs: '2',
    share: '0.5',
    gpu: 'true',
    'torch-version': '',
  });
  assert.equal(readRecipe(recipeWith(null), {}).matrix, undefined);
});

const wrong: [string, unknown, RegExp][] = [
  ['a list', ['a'], /^recipe\.matrix: expected a set, found a list$/],
  ['a list in it', { on: ['a'] }, /^recipe\.matrix\.on: expected a text of at most 1000 char/],
  ['a set in it', { on: { a: 1 } }, /^recipe\.matrix\.on: expected .*found a set$/],
  ['a derivation', { it: { $type: 'derivation' } }, /^recipe\.matrix\.it: .*found a derivation$/],
  ['null', { it: null }, /^recipe\.matrix\.it: .*found null$/],
  ['a long text', { it: 'x'.repeat(1001) }, /^recipe\.matrix\.it: .*found a string$/],
  ['a name with a dot', { 'a.b': '1' }, /^recipe\.matrix\."a\.b": expressions .* cannot read/],
  ['a name of a row', { Tags: 'x' }, /^recipe\.matrix\."Tags": a row of the matrix has a field/],
  ['names of one spelling', { cuda: '1', CUDA: '2' }, /^recipe\.matrix\."CUDA": a row of/],
];

for (const [name, matrix, message] of wrong) {
  test(`a matrix that is no matrix is named: ${name}`, () => {
    assert.throws(
      () => readRecipe(recipeWith(matrix), {}),
      (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
