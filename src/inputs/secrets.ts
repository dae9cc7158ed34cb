import { inputs, type RawInputs } from './table.ts';

/**
 * The secret texts among the inputs: whole, line by line as the runner masks them too, and, of lines
 * such as `host=token` and `name:key`, what follows the name.
 */
export function secretsIn(raw: RawInputs): string[] {
  const values = inputs.filter(input => input.secret).map(input => raw[input.name] ?? '');
  const lines = values.flatMap(value => [value, ...value.split(/\r?\n/)]).map(line => line.trim());
  const secrets = [...lines, ...lines.flatMap(unnamed)];
  return [...new Set(secrets.filter(text => text !== ''))];
}

/** What follows a name; too short to be a secret it would only blacken the log. */
function unnamed(line: string): string[] {
  const [, secret = ''] = /^[\w.-]+[=:](\S+)$/.exec(line) ?? [];
  return secret.length < 8 ? [] : [secret, ...unnamed(secret)];
}
