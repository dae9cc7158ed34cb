import { type InputName, inputs, type RawInputs } from '../inputs/table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The runner's variable for an input: upper case, hyphens kept. */
export function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;
}

/** The inputs as the runner hands them over. */
export function readInputs(env: Environment): RawInputs {
  const raw: Partial<Record<InputName, string>> = {};
  for (const { name } of inputs) raw[name] = (env[inputVariable(name)] ?? '').trim();
  return raw;
}
