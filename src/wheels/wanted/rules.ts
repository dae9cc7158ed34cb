import { fillIn, type Variant } from '../variant.ts';
import { specifierOf } from '../versions.ts';
import { normalizeName } from '../wheel-name.ts';
import type { Rule, WheelRules } from './schema.ts';
import type { Origin, WantedWheel } from './wheel.ts';

/** The address of an index, or of the one that is used where none is named. */
export type IndexOf = (named: string | undefined) => string;

/** The project's rules for a variant: its own, overlaid by each exception that matches. */
export function wheelFor(
  name: string,
  rules: WheelRules,
  variant: Variant,
  indexOf: IndexOf,
): WantedWheel | undefined {
  if (isSkipped(rules, variant)) return undefined;
  const matching = exceptionsFor(rules, variant);
  let rule: Rule = rules;
  for (const { index, release: from, ...more } of matching) {
    const origin = index !== undefined || from !== undefined ? { index, release: from } : {};
    rule = { ...rule, ...origin, ...more } as Rule;
  }
  return {
    name,
    versions: specifierOf(rule.version ?? '') ?? '',
    origin: originOf(rule, variant, indexOf),
    ignoredRequirements: (rule['ignore-requirements'] ?? []).map(normalizeName),
  };
}

/** The project, and what stands for it, where a variant goes without it. */
export const skipFor = (
  name: string,
  rules: WheelRules,
  variant: Variant,
): [string, string | undefined][] =>
  isSkipped(rules, variant) ? [[name, rules.instead && normalizeName(rules.instead)]] : [];

const isSkipped = (rules: WheelRules, variant: Variant): boolean =>
  rules.instead !== undefined ||
  (exceptionsFor(rules, variant).findLast(({ skip }) => skip !== undefined)?.skip ??
    rules.skip ??
    false);

const exceptionsFor = ({ except = [] }: WheelRules, variant: Variant) =>
  except.filter(
    each =>
      matches(each.cuda, variant.cuda) &&
      matches(each.python, variant.python) &&
      matches(each.system, variant.system),
  );

function matches(wanted: string | readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || [wanted].flat().includes(value);
}

function originOf(rule: Rule, variant: Variant, indexOf: IndexOf): Origin {
  if (rule.release === undefined) {
    const url = fillIn(indexOf(rule.index), variant).replace(/\/+$/, '');
    return { kind: 'index', url };
  }
  const [repository = '', ...tag] = fillIn(rule.release, variant).split('@');
  return { kind: 'release', repository, tag: tag.length === 0 ? undefined : tag.join('@') };
}
