const quote = 0x22;
const backslash = 0x5c;

/** What stands between JSON's values. */
export const mark = {
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;
const marks = new Set<number>(Object.values(mark));

/** JSON that is not parsed yet: characters, or the bytes of UTF-8. */
export type JsonText = string | Uint8Array;

/**
 * Visits brackets, commas and colons that are in no string, with their places from `start` to before
 * `end`, as long as it gives true. Whether it is JSON is not looked at.
 */
export function eachMark(
  text: JsonText,
  { start, end }: { start: number; end: number },
  visit: (code: number, at: number) => boolean,
): void {
  const codeAt = typeof text === 'string' ? charactersOf(text) : bytesOf(text);
  for (let at = start; at < end; at += 1) {
    const code = codeAt(at);
    if (code === quote) at = endOfString(codeAt, at, end);
    else if (code >= mark.comma && marks.has(code) && !visit(code, at)) return;
  }
}

const charactersOf = (text: string) => (at: number) => text.charCodeAt(at);
const bytesOf = (text: Uint8Array) => (at: number) => text[at] ?? 0;

/** Where the string that begins at `start` ends. */
function endOfString(codeAt: (at: number) => number, start: number, end: number): number {
  for (let at = start + 1; at < end; at += 1) {
    const code = codeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) return at;
  }
  return end;
}
