/** Cells of one row. */
export type Cells = readonly string[];

/** A Markdown table; all columns but the first are aligned to the right. */
export function table(heads: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells) => `| ${cells.join(' | ')} |`;
  const rule = heads.map((_, index) => (index === 0 ? ':--' : '--:'));
  return [heads, rule, ...rows].map(line).join('\n');
}
