import { satisfies, valid } from '@renovatebot/pep440';
import type { Variant } from './variant.ts';
import { normalizeName } from './wheel-name.ts';

/** What markers (PEP 508) are compared with: the variables that a variant decides, and extras. */
export interface MarkerFacts {
  variables: ReadonlyMap<string, string>;
  /** Normalised. */
  extras: ReadonlySet<string>;
}

/** The facts of a variant. A patch release of Python is as new as can be: what is installed is new. */
export function factsOf({ system, python }: Variant, extras: Iterable<string> = []): MarkerFacts {
  const [machine = ''] = system.split('-');
  const variables = new Map([
    ['python_version', python],
    ['python_full_version', `${python}.99`],
    ['implementation_version', `${python}.99`],
    ['os_name', 'posix'],
    ['sys_platform', 'linux'],
    ['platform_system', 'Linux'],
    ['platform_machine', machine],
    ['platform_release', ''],
    ['platform_version', ''],
    ['implementation_name', 'cpython'],
    ['platform_python_implementation', 'CPython'],
  ]);
  return { variables, extras: new Set([...extras].map(normalizeName)) };
}

/** Whether a marker holds; undefined where it is none by PEP 508. An empty one holds. */
export function holds(marker: string, facts: MarkerFacts): boolean | undefined {
  const words = wordsOf(marker);
  if (words === undefined) return undefined;
  if (words.length === 0) return true;
  const reader = { words, at: 0, facts };
  const value = either(reader);
  return reader.at === words.length ? value : undefined;
}

interface Reader {
  words: readonly string[];
  at: number;
  facts: MarkerFacts;
}

const word = /\s*(\(|\)|'[^']*'|"[^"]*"|[a-z_.]+|===|==|~=|!=|<=|>=|<|>)\s*/y;

function wordsOf(marker: string): string[] | undefined {
  const text = marker.trim();
  const words: string[] = [];
  word.lastIndex = 0;
  while (word.lastIndex < text.length) {
    const [, found] = word.exec(text) ?? [];
    if (found === undefined) return undefined;
    words.push(found);
  }
  return words;
}

/** Takes the next word, where it is this one. */
function takes(reader: Reader, wanted: string): boolean {
  if (reader.words[reader.at] !== wanted) return false;
  reader.at += 1;
  return true;
}

function either(reader: Reader): boolean | undefined {
  let value = both(reader);
  while (takes(reader, 'or')) {
    const next = both(reader);
    value = value === undefined || next === undefined ? undefined : value || next;
  }
  return value;
}

function both(reader: Reader): boolean | undefined {
  let value = one(reader);
  while (takes(reader, 'and')) {
    const next = one(reader);
    value = value === undefined || next === undefined ? undefined : value && next;
  }
  return value;
}

function one(reader: Reader): boolean | undefined {
  if (takes(reader, '(')) {
    const value = either(reader);
    return takes(reader, ')') ? value : undefined;
  }
  const left = reader.words[reader.at++];
  const negated = takes(reader, 'not');
  const operator = reader.words[reader.at++];
  const right = reader.words[reader.at++];
  if (left === undefined || operator === undefined || right === undefined) return undefined;
  return compared(left, negated ? `not ${operator}` : operator, right, reader.facts);
}

function compared(
  left: string,
  operator: string,
  right: string,
  { variables, extras }: MarkerFacts,
): boolean | undefined {
  const names = [left, right].filter(each => !isQuoted(each));
  if (names.includes('extra')) {
    const extra = normalizeName(unquoted(left === 'extra' ? right : left));
    if (operator === '==') return extras.has(extra);
    return operator === '!=' ? !extras.has(extra) : undefined;
  }
  const [a, b] = [left, right].map(each =>
    isQuoted(each) ? unquoted(each) : variables.get(each.replace('.', '_')),
  );
  if (names.length === 0 || a === undefined || b === undefined) return undefined;
  const isVersion = names.some(name => /version$/.test(name) && name !== 'platform_version');
  return isVersion ? versionsCompare(a, operator, b) : textsCompare(a, operator, b);
}

const isQuoted = (text: string) => /^['"]/.test(text);
const unquoted = (text: string) => text.replace(/^['"]|['"]$/g, '');

function versionsCompare(a: string, operator: string, b: string): boolean | undefined {
  if (/in$/.test(operator)) return textsCompare(a, operator, b);
  if (valid(a) === null || valid(b.replace(/\.\*$/, '')) === null) {
    return textsCompare(a, operator, b);
  }
  return satisfies(a, `${operator}${b}`, { prereleases: true });
}

function textsCompare(a: string, operator: string, b: string): boolean | undefined {
  switch (operator) {
    case '==':
    case '===':
      return a === b;
    case '!=':
      return a !== b;
    case 'in':
      return b.includes(a);
    case 'not in':
      return !b.includes(a);
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    default:
      return undefined;
  }
}
