import { limits } from '../host/limits.ts';
import { shortTextAt } from '../host/presence.ts';

/** A login for HTTP's Basic authentication. */
export interface Login {
  username: string;
  password: string;
}

/**
 * The login that a netrc file has for a machine, by curl's rules (lib/netrc.c), since it is curl that
 * reads the file for Nix: the first entry that fits wins, `default` fits all, words may be quoted, `#`
 * begins a comment, a macro ends with an empty line. Undefined: it has none with a password.
 *
 * @param username only an entry of this user fits; undefined: any
 */
export function netrcLogin(text: string, machine: string, username?: string): Login | undefined {
  const found = entries(text).find(
    ({ name, login, password }) =>
      (name === undefined || name.toLowerCase() === machine.toLowerCase()) &&
      password !== undefined &&
      (username === undefined || login === username),
  );
  if (found?.password === undefined) return undefined;
  return { username: found.login ?? '', password: found.password };
}

/** One line of a netrc file; without a user, as Cachix has it, the password alone counts. */
export function netrcEntry(machine: string, password: string): string {
  return `machine ${machine} password ${quoted(password)}`;
}

/** Reads a netrc file; one that is not there, or is no ordinary file of its size, has no logins. */
export async function readNetrc(file: string): Promise<string> {
  return (await shortTextAt(file, limits.netrcFile)) ?? '';
}

/** What a file says of a machine; `name` undefined: of all. */
interface Entry {
  name: string | undefined;
  login?: string;
  password?: string;
}

function entries(text: string): Entry[] {
  const found: Entry[] = [];
  const words = wordsOf(text);
  for (let word = words.next(); !word.done; word = words.next()) {
    const entry = found.at(-1);
    const keyword = word.value.toLowerCase();
    if (keyword === 'default') found.push({ name: undefined });
    else if (keyword === 'machine') {
      const { value: name } = words.next();
      if (typeof name === 'string') found.push({ name });
    } else if (entry && (keyword === 'login' || keyword === 'password')) {
      const { value } = words.next();
      const isComplete = entry.login !== undefined && entry.password !== undefined;
      if (typeof value === 'string' && !isComplete) entry[keyword] = value;
    }
  }
  return found;
}

/** The words of a netrc file, without comments and macros. */
function* wordsOf(text: string): Generator<string, void> {
  let isMacro = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') isMacro = false;
    if (isMacro) continue;
    for (const [word, inQuotes] of line.matchAll(anyWord)) {
      if (inQuotes === undefined && word.startsWith('#')) break;
      if (word.toLowerCase() === 'macdef') {
        isMacro = true;
        break;
      }
      yield inQuotes === undefined ? word : unescaped(inQuotes);
    }
  }
}

/** A word in quotes, in which a backslash escapes, or one that ends with a blank. */
const anyWord = /"((?:[^"\\]|\\.)*)"|\S+/g;

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

const unescaped = (text: string) =>
  text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);

const quoted = (text: string) =>
  /^[^"#\s][^\s]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
