/**
 * JSON as Python's `json.dumps(value, indent=4)` writes it: ASCII only. Numbers with a fraction of
 * zero are the one thing that differs (1.0 is 1 here).
 */
export function pythonJson(value: unknown): string {
  const text = JSON.stringify(value, null, 4).replaceAll(`"${keyMark}`, '"');
  return text.replace(
    /[\u0080-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * JavaScript moves keys that are whole numbers (such as the port "80") to the front; marked ones
 * not.
 */
const keyMark = '\ue000';

/** Parses JSON for {@link pythonJson}, so that the order of all keys survives. */
export function parseInOrder(text: string): unknown {
  return JSON.parse(text.replace(/(?<!\\)"(\d+)"(\s*:)/g, `"${keyMark}$1"$2`));
}

/** A list of strings as Python's `repr` writes it. */
export function pythonList(items: readonly string[]): string {
  return `[${items.map(pythonString).join(', ')}]`;
}

function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}
