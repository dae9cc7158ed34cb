/** Rows as lines of a terminal: cells are padded to the right in the first columns, with texts, then to the left. */
export function columns(rows: readonly (readonly string[])[], texts: number): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < texts ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
