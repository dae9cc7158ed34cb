import { eachMark, type JsonText, mark } from './json-marks.ts';
import { limits } from './limits.ts';

/** What JSON may be at most; the depth is the same for all. */
interface JsonLimits {
  /** Characters, or bytes. */
  size: number;
  values: number;
}

const usual: JsonLimits = { size: limits.document, values: limits.jsonValues };

/**
 * Says what makes JSON of others too much to be parsed: it is too long, too deep, or has too many
 * values; undefined where it is none of these. A value takes far more memory than its text, and what
 * is deep ends whatever walks through it.
 */
export function jsonExcess(text: JsonText, most: JsonLimits = usual): string | undefined {
  if (text.length > most.size) return `it is larger than ${most.size >> 20} MB`;
  let depth = 0;
  let values = 1;
  eachMark(text, { start: 0, end: text.length }, code => {
    if (code === mark.closeList || code === mark.closeObject) depth -= 1;
    else values += 1;
    if (code === mark.openList || code === mark.openObject) depth += 1;
    return depth <= limits.jsonDepth;
  });
  if (depth > limits.jsonDepth) return `it is more than ${limits.jsonDepth} levels deep`;
  return values > most.values ? `it has more than ${most.values} values` : undefined;
}
