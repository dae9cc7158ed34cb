import type { BuildRecord, LimitRecord } from '../record/types.ts';
import { cells, code } from './markdown.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** A sentence for each limit that is broken. */
export const brokenSentences = (limits: readonly LimitRecord[]): string[] =>
  limits
    .filter(({ kept }) => !kept)
    .map(({ limit, layer, ...amounts }) => {
      const { found, bound } = inWords(amounts);
      const of = layer === undefined ? '' : ` of ${layer}`;
      return `The limit ${limit} is broken: it is ${found}${of}, and ${bound} is the limit.`;
    });

/** A sentence for each limit that a run would break, by what is foreseen of it. */
export const foreseenLimitSentences = (limits: readonly LimitRecord[]): string[] =>
  limits
    .filter(({ kept }) => !kept)
    .map(({ limit, ...amounts }) => {
      const { found, bound } = inWords(amounts);
      return `The limit ${limit} would be broken: it would be ${found}, by what is foreseen, and ${bound} is the limit.`;
    });

/** Which limits nobody can tell of; undefined where there are none. */
export function unknownSentence(limits: readonly LimitRecord[]): string | undefined {
  const unknown = limits.filter(({ found }) => found === undefined).map(({ limit }) => limit);
  if (unknown.length === 0) return undefined;
  return (
    `Not known, and so not broken: ${unknown.join(', ')}. Sizes are known of what was pushed, and ` +
    'growth where a run before has left its record.'
  );
}

/** The limits and how they were kept, as a table; nothing where none were given. */
export function limitsMarkdown({ limits = [] }: BuildRecord): string[] {
  if (limits.length === 0) return [];
  const rows = limits.map(limit => {
    const { found } = inWords(limit);
    const of = limit.layer === undefined ? '' : ` (${code(limit.layer)})`;
    return cells(code(limit.limit), `${found}${of}`, limit.kept ? keptWord(limit) : '**broken**');
  });
  return [[cells('limit', 'found', ''), '|:--|--:|:--|', ...rows].join('\n')];
}

const keptWord = ({ found }: LimitRecord) => (found === undefined ? 'not known' : 'kept');

function inWords({ unit, found, bound }: Pick<LimitRecord, 'unit' | 'found' | 'bound'>) {
  const format = unit === 'bytes' ? formatBytes : formatSeconds;
  return { found: found === undefined ? '–' : format(found), bound: format(bound) };
}
