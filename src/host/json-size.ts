import { limits } from './limits.ts';

const quote = 0x22;
const backslash = 0x5c;

/**
 * Says what makes JSON of others too much to be parsed: it is too long, too deep, or has too many
 * values; undefined where it is none of these. A value takes far more memory than its text, and what
 * is deep ends whatever walks through it.
 */
export function jsonExcess(text: string): string | undefined {
  if (text.length > limits.document) return `it is larger than ${limits.document >> 20} MB`;
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      values += 1;
      if (depth > limits.jsonDepth) return `it is more than ${limits.jsonDepth} levels deep`;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
    else if (code === 0x2c || code === 0x3a) values += 1;
  }
  return values > limits.jsonValues ? `it has more than ${limits.jsonValues} values` : undefined;
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) return at;
  }
  return text.length;
}
