import { type InputDefinition, type InputName, inputs, type RawInputs } from '../inputs/table.ts';

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

/** The secret texts among the inputs, line by line as the runner masks them too. */
export function secretsIn(raw: RawInputs): string[] {
  const all: readonly (InputDefinition & { name: InputName })[] = inputs;
  const values = all.filter(input => input.secret).map(input => raw[input.name] ?? '');
  const lines = values.flatMap(value => [value, ...value.split(/\r?\n/)]);
  return [...new Set(lines.map(line => line.trim()).filter(line => line !== ''))];
}
