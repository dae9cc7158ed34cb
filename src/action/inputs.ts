import { type InputName, inputs, type RawInputs } from '../inputs/table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'INPUT_';

/** The runner's variable for an input: upper case, hyphens kept. */
export function inputVariable(name: string): string {
  return `${prefix}${name.replaceAll(' ', '_').toUpperCase()}`;
}

/** The inputs as the runner hands them over. */
export function readInputs(env: Environment): RawInputs {
  const raw: Partial<Record<InputName, string>> = {};
  for (const { name } of inputs) raw[name] = (env[inputVariable(name)] ?? '').trim();
  return raw;
}

/** Names under `with:` that action.yml does not have; the runner hands them over in upper case. */
export function undeclaredInputs(env: Environment): string[] {
  const declared = new Set(inputs.map(({ name }) => inputVariable(name)));
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(prefix) && value?.trim() && !declared.has(name))
    .map(([name]) => name.slice(prefix.length).toLowerCase());
}
