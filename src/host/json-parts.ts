import { eachMark, mark } from './json-marks.ts';

/** A part of JSON's bytes: from `start` to before `end`. */
interface Span {
  start: number;
  end: number;
}

/** A large object in JSON, of which each value is parsed when it is asked for. */
export interface JsonObject {
  names: readonly string[];
  /** Throws a SyntaxError where it is no JSON. */
  value(name: string): unknown;
  /**
   * The elements of a list, of which few are in memory at a time; undefined where it is none. Throws a
   * SyntaxError where it comes to what is no JSON.
   */
  elements(name: string): Iterable<unknown> | undefined;
}

/**
 * Opens an object in UTF-8. Throws a SyntaxError where it is no JSON, or of something else.
 * @param portion bytes of a list that are parsed in one go
 */
export function openJsonObject(json: Buffer, portion = 64 << 10): JsonObject {
  const inside = insideOf(json, { start: 0, end: json.length }, '{}');
  if (inside === undefined) throw new SyntaxError('no object');
  const values = new Map<string, Span>();
  for (const { start, end, colon } of membersIn(json, inside)) {
    if (colon === undefined && isBlank(json, inside)) break;
    const name = parsed(json, { start, end: colon ?? start });
    if (colon === undefined || typeof name !== 'string') throw new SyntaxError('no name');
    values.set(name, { start: colon + 1, end });
  }
  const spanOf = (name: string) => values.get(name) ?? { start: 0, end: 0 };
  return {
    names: [...values.keys()],
    value: name => (values.has(name) ? parsed(json, spanOf(name)) : undefined),
    elements: name => {
      const list = insideOf(json, spanOf(name), '[]');
      return list && elementsIn(json, list, portion);
    },
  };
}

function* elementsIn(json: Buffer, list: Span, portion: number): Generator<unknown> {
  if (isBlank(json, list)) return;
  for (const part of membersIn(json, list, portion)) {
    const elements = JSON.parse(`[${textOf(json, part)}]`) as unknown[];
    if (elements.length === 0) throw new SyntaxError('no element');
    yield* elements;
  }
}

/** What lies between commas that are in no bracket, where at least so many bytes do. */
function membersIn(json: Buffer, inside: Span, least = 0): (Span & { colon?: number })[] {
  const members: (Span & { colon?: number })[] = [];
  let { start } = inside;
  let depth = 0;
  let colon: number | undefined;
  const end = (at: number) => {
    members.push({ start, end: at, ...(colon === undefined ? {} : { colon }) });
    start = at + 1;
    colon = undefined;
  };
  eachMark(json, inside, (code, at) => {
    if (code === mark.openList || code === mark.openObject) depth += 1;
    else if (code === mark.closeList || code === mark.closeObject) depth -= 1;
    else if (depth === 0 && code === mark.colon) colon ??= at;
    else if (depth === 0 && code === mark.comma && at - start >= least) end(at);
    return true;
  });
  end(inside.end);
  return members;
}

/** What is between a pair of brackets; undefined where there is something else. */
function insideOf(json: Buffer, { start, end }: Span, [open, close]: string): Span | undefined {
  const text = json.subarray(start, end);
  const first = text.findIndex(isNoSpace);
  const last = text.findLastIndex(isNoSpace);
  if (last <= first || text[first] !== open?.charCodeAt(0)) return undefined;
  return text[last] === close?.charCodeAt(0)
    ? { start: start + first + 1, end: start + last }
    : undefined;
}

const isNoSpace = (code: number) => ![0x20, 0x09, 0x0a, 0x0d].includes(code);
const isBlank = (json: Buffer, { start, end }: Span) => !json.subarray(start, end).some(isNoSpace);
const textOf = (json: Buffer, { start, end }: Span) => json.toString('utf8', start, end);
const parsed = (json: Buffer, span: Span): unknown => JSON.parse(textOf(json, span));
