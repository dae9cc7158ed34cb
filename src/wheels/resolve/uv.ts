import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compare, valid } from '@renovatebot/pep440';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { Unreachable } from '../../host/http/message.ts';
import { patience } from '../../host/limits.ts';
import type { Command, Finished } from '../../host/process.ts';
import { answerFile, type Question, writeQuestion } from './question.ts';

/** A uv that is new enough. */
export interface Uv {
  file: string;
  /** Folders with a Python, which uv wants to see, before those of PATH; or none. */
  path: readonly string[];
}

/** The oldest uv whose answers list the wheels of one platform alone. */
const oldest = '0.11.0';

const tellVersion = ['--version'];

/** What came of the search for uv on this machine. */
export type FoundUv = { uv: Uv } | { why: string };

/** The uv of this machine, or why there is none that can be used, as a sentence. */
export async function findUv(host: Host): Promise<FoundUv> {
  const limit = { what: 'uv to tell its version', ms: patience.program };
  const told = await host.run({ file: 'uv', args: tellVersion, limit }).catch((error: unknown) => {
    host.signal?.throwIfAborted();
    if (error instanceof Failure) return undefined;
    throw error;
  });
  const [, version] = /^uv (\d+\.\d+\.\d+)/.exec(told?.stdout ?? '') ?? [];
  if (told === undefined) return { why: 'uv, which chooses versions, is not on PATH.' };
  if (version === undefined || valid(version) === null) return { why: 'uv tells no version.' };
  if (compare(version, oldest) >= 0) return { uv: { file: 'uv', path: [] } };
  return { why: `uv ${version} is too old: ${oldest} is the first that answers for one platform.` };
}

/** What uv may take from the environment: where it keeps things, how it connects, logins. */
const ways =
  /^UV_(CACHE_DIR|CONCURRENT_\w+|HTTP_\w+|INDEX_\w+_(USERNAME|PASSWORD)|INSECURE_HOST|KEYRING_PROVIDER|NATIVE_TLS|OFFLINE|REQUEST_TIMEOUT|SSL_\w+|SYSTEM_CERTS)$/;

/** The environment without settings that would change what is asked. */
export function withoutSettings(env: Host['env']): Record<string, string | undefined> {
  const settings = Object.keys(env).filter(name => name.startsWith('UV_') && !ways.test(name));
  return { ...Object.fromEntries(settings.map(name => [name, undefined])), UV_NO_CONFIG: '1' };
}

/** Runs uv, with the Python that it wants to see and without settings of the machine. */
export function runUv(
  { file, path }: Uv,
  command: Pick<Command, 'args' | 'cwd' | 'limit'>,
  { env, run, signal }: Host,
): Promise<Finished> {
  const folders = [...path, env.PATH ?? ''].join(':');
  return run({ ...command, file, signal, env: { ...withoutSettings(env), PATH: folders } });
}

/** What uv answered. */
export type UvAnswer =
  | { kind: 'resolved'; pylock: string }
  /** Projects without a wheel that could be used. */
  | { kind: 'no-wheels'; projects: string[]; said: string[] }
  /** No versions go together, or something else that the lists have to be changed for. */
  | { kind: 'refused'; said: string[] };

/**
 * Asks uv for the versions of one variant, in a folder of its own.
 * Rejects with {@link Unreachable} where an index did not answer.
 */
export async function askUv(
  question: Question,
  uv: Uv,
  folder: string,
  host: Host,
): Promise<UvAnswer> {
  const args = await writeQuestion(question, folder);
  const limit = { what: 'uv to choose versions', ms: patience.resolver };
  const finished = await runUv(uv, { args, cwd: folder, limit }, host);
  if (finished.code === 0) {
    return { kind: 'resolved', pylock: await readFile(join(folder, answerFile), 'utf8') };
  }
  return refusalOf(finished, folder);
}

function refusalOf({ stderr }: Finished, folder: string): UvAnswer {
  const all = stderr
    .replaceAll(`${folder}/`, '')
    .split('\n')
    .map(line => line.replace(/^[\s×╰─▶│├]+/, '').trim());
  const said = all.filter(line => line !== '' && !/^(warning|Resolved|Using|hint): /.test(line));
  const text = said.join(' ');
  if (/no interpreter found/i.test(text)) {
    throw new Failure('uv finds no Python on this machine, which it asks for its answer.', {
      evidence: said,
      next: 'Install python3, in any version.',
    });
  }
  // an index without a login is passed over, and told in a hint; 403 is what some say of what they lack
  const refused =
    /\b(401|403) (Unauthorized|Forbidden)/.exec(text)?.[0] ?? /401 Unauthorized/.exec(stderr)?.[0];
  if (refused !== undefined) {
    throw new Failure(`An index wants a login (${refused}).`, {
      evidence: all.filter(line => line.includes(refused)),
      next: 'Put it into ~/.netrc, as curl has it.',
    });
  }
  if (/Failed to fetch|Request failed|error sending request|Could not connect/i.test(text)) {
    throw new Unreachable(`An index did not answer uv: ${unreachableIn(said)}.`);
  }
  const found = [...new Set(projectsWithoutWheels(text))];
  return found.length > 0
    ? { kind: 'no-wheels', projects: found, said }
    : { kind: 'refused', said };
}

/** Projects of which no version that may be taken has a wheel; of others uv's own words say more. */
function projectsWithoutWheels(text: string): string[] {
  const name = '([A-Za-z0-9][\\w.-]*)';
  const none = '(?:has|have) no (?:usable )?wheels';
  const patterns = [
    `all versions of ${name} ${none}`,
    `Because ${name} ${none}`,
    `Because ${name}==\\S+ ${none}.*? (?:and only \\1==\\S+ is available|and your-lists depends on \\1)`,
  ];
  return patterns.flatMap(pattern =>
    [...text.matchAll(new RegExp(pattern, 'g'))].flatMap(([, project]) => project ?? []),
  );
}

/** The address, and what went wrong at last. */
function unreachableIn(said: readonly string[]): string {
  const at = said.findIndex(line => /Failed to fetch/.test(line));
  const address = said[at]?.replace(/^.*Failed to fetch: /, '').replaceAll('`', '');
  const cause = said.at(-1)?.replace(/^(error|cause|caused by): /i, '');
  if (address === undefined) return cause ?? 'nothing was said';
  return at === said.length - 1 || cause === undefined ? address : `${address} (${cause})`;
}
