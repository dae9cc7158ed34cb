/**
 * A foreign value in a sentence: as JSON, cut after `length` characters. What cannot be said that way,
 * such as ten thousand levels of lists, is named.
 */
export function preview(value: unknown, length = 60): string {
  const text = asJson(value) ?? 'nothing';
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return 'a value that is too deep to be shown';
  }
}
