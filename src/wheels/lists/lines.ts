/** A line of a requirements list, with those that it is continued in. */
export interface ListLine {
  /** Of its beginning, counted from 1. */
  number: number;
  /** Without comments and white space around it; never empty. */
  text: string;
}

/**
 * The lines of a requirements.txt that say something (pip, "Requirements File Format"). Line ends of any
 * system and a byte order mark are passed over.
 */
export function linesOf(content: string): ListLine[] {
  const lines: ListLine[] = [];
  let open: ListLine | undefined;
  for (const [at, raw] of content
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const isComment = /^\s*#/.test(raw);
    const goesOn = raw.endsWith('\\') && !isComment;
    const text = isComment ? '' : goesOn ? raw.slice(0, -1) : raw;
    open = { number: open?.number ?? at + 1, text: `${open?.text ?? ''}${text}` };
    if (goesOn) continue;
    lines.push(open);
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return lines
    .map(({ number, text }) => ({ number, text: withoutComment(text).trim() }))
    .filter(({ text }) => text !== '');
}

/** A comment begins after white space: addresses have fragments. */
function withoutComment(text: string): string {
  const at = text.search(/\s#/);
  return at < 0 ? text : text.slice(0, at);
}
