import { escaped } from '../host/visible.ts';

/** A row of a table. */
export function cells(...values: string[]): string {
  return `| ${values.join(' | ')} |`;
}

/**
 * Inline code, of text of others as well, that also holds in a table's cell: there a pipe is escaped by
 * a backslash, but not by one that is escaped itself, and code has no other escapes.
 */
export function code(text: string): string {
  const safe = oneLine(text).replaceAll('`', "'").replaceAll(/\\*\|/g, '\\|');
  return safe === '' ? '' : `\`${safe}\``;
}

/**
 * Text, of others as well, that is not meant as Markdown or HTML, on one line: nothing in it opens a
 * list, a heading, a link, a formula, a cell or an element.
 */
export function escapeText(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]<>#|~&$]/g, '\\$&')
    .replace(/^[-=+]/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2');
}

const oneLine = (text: string): string => escaped(text.replace(/\s*[\r\n]+\s*/g, ' ').trim());

/** A sentence that stands out, as GitHub shows it. */
export const alert = (kind: 'NOTE' | 'WARNING', sentence: string): string =>
  `> [!${kind}]\n> ${escapeText(sentence)}`;

/** Text as it is, in a fence that is longer than any within, so that the text cannot end it. */
export function fenced(text: string, language = 'text'): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Lines for a shell, as GitHub shows them: with a button that copies them. */
export const shellBlock = (lines: readonly string[]): string =>
  fenced(lines.map(escaped).join('\n'), 'sh');

/** A link to a web page, or the text alone where the address is none that is harmless. */
export const link = (text: string, address: string | undefined): string =>
  address !== undefined && /^https?:\/\/[\w.:/-]+$/.test(address)
    ? `[${escapeText(text)}](${address})`
    : escapeText(text);
