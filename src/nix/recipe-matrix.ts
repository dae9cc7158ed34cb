import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { type Found, mismatch, readMap } from './shape.ts';

/** What a row of a workflow's matrix has in any case, by the names of the inputs that it is for. */
const rowFields = ['flake', 'image', 'tags', 'variant'] as const;

/**
 * Reads the recipe's `matrix`: what the image's job needs to know, each value as the text that an
 * expression of a workflow makes of it. Throws a `Failure` that names the field.
 */
export function readMatrix(found: Found): Record<string, string> {
  const matrix = readMap(found, readValue);
  const names = new Set<string>(rowFields);
  for (const name of Object.keys(matrix)) {
    checkName(name, names);
    names.add(name.toLowerCase());
  }
  return matrix;
}

/** An expression reads it as `matrix.NAME`, whatever its letters' case. */
function checkName(name: string, taken: ReadonlySet<string>): void {
  const at = `recipe.matrix.${JSON.stringify(name)}`;
  if (!/^[A-Za-z_][\w-]{0,63}$/.test(name)) {
    throw new Failure(`${at}: expressions of a workflow cannot read a field of this name.`, {
      next: 'Use letters, digits, "_" and "-", at most 64; a letter or "_" is the first.',
    });
  }
  if (!taken.has(name.toLowerCase())) return;
  throw new Failure(`${at}: a row of the matrix has a field of this name already.`, {
    next: `Choose another name; ${rowFields.join(', ')} are there in any case.`,
  });
}

function readValue(found: Found): string {
  const { value } = found;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.length <= limits.matrixText) return value;
  const expected = `a text of at most ${limits.matrixText} characters, a number, true or false`;
  throw mismatch(found, expected);
}
