import { type InputName, inputNamed, type RawInputs } from './table.ts';
import { readBoolean } from './values.ts';

/** The trimmed text of an input, or its default; undefined when there is neither. */
export function given(raw: RawInputs, name: InputName): string | undefined {
  const value = raw[name]?.trim();
  if (value !== undefined && value !== '') return value;
  const input = inputNamed(name);
  // a secret's default is an expression that only GitHub can fill in
  return input.secret ? undefined : input.default;
}

/** A boolean input; false where it has neither value nor default. */
export function flag(raw: RawInputs, name: InputName): boolean {
  return readBoolean(name, given(raw, name) ?? '') ?? false;
}
