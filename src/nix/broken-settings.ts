import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { type ConfLocation, confStatements, nixConfig, readConfFile } from './conf-statements.ts';
import { type ConfLine, readConfText } from './conf-text.ts';

/** What Nix said when it refused its settings. */
interface Refusal {
  /** In words that say nothing of a value: it may be a secret. */
  what: string;
  at?: ConfLocation | undefined;
}

/**
 * The failure of a Nix that refuses its own settings: which file and line, and why. Nix's own words are
 * not repeated where they hold what stands in the line, which may be a token.
 *
 * @param said what Nix wrote to standard error
 */
export async function brokenSettings(
  bin: string,
  said: string,
  env: Host['env'],
): Promise<Failure> {
  const { what, at } = await findRefusal(said, env);
  const place = at === undefined ? '' : `${at.file}, line ${at.line}: `;
  return new Failure(`The Nix in ${bin} is there, but its settings are broken: ${place}${what}.`, {
    tried: 'to ask it for its version and its settings. No other Nix is installed in its place.',
    next: at === undefined ? 'Correct its nix.conf, or NIX_CONFIG.' : `Correct ${at.file}.`,
  });
}

/** What and where it is that Nix refuses. */
export async function findRefusal(said: string, env: Host['env']): Promise<Refusal> {
  const error = said.split('\n').find(line => line.startsWith('error:')) ?? '';
  const [, refused] = /configuration line '.*' in ['"](.+)['"]/.exec(error) ?? [];
  if (refused !== undefined) {
    const at = await locate(refused, env, each => each.kind === 'unreadable');
    return { what: 'this is no line of the form "name = value"', at };
  }
  const [, missing, from] = /file ['"](.+)['"] included from ['"](.+)['"] not/.exec(error) ?? [];
  if (missing !== undefined && from !== undefined) {
    const at = await locate(from, env, each => each.kind === 'include' && each.required);
    return { what: `the file ${missing} is to be included, and is not there`, at };
  }
  const [, name] = /(?:setting|option) '([a-z0-9-]+)'/.exec(error) ?? [];
  if (name === undefined) return { what: 'Nix gives no version, but does without them' };
  const stated = (await confStatements(env)).findLast(each => each.name === name);
  return { what: `${name} has a value that Nix does not take`, at: stated };
}

/** The first line of some kind in a file, or in NIX_CONFIG; line 1 where the file cannot be read. */
async function locate(
  file: string,
  env: Host['env'],
  isMeant: (line: ConfLine) => boolean,
): Promise<ConfLocation> {
  const text = file === nixConfig ? env.NIX_CONFIG : await readConfFile(file);
  return { file, line: readConfText(text ?? '').find(isMeant)?.line ?? 1 };
}
