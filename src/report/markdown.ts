/** A row of a table. */
export function cells(...values: string[]): string {
  return `| ${values.join(' | ')} |`;
}

/** Inline code that also holds in a table's cell. */
export function code(text: string): string {
  const safe = text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('`', "'")
    .replaceAll('|', '\\|');
  return `\`${safe}\``;
}

/** Text that is not meant as Markdown or HTML, on one line. */
export function escapeText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');
}

/** A sentence that stands out, as GitHub shows it. */
export const alert = (kind: 'NOTE' | 'WARNING', sentence: string): string =>
  `> [!${kind}]\n> ${escapeText(sentence)}`;
