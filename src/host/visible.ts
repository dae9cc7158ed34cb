const shownLength = 400;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be shown
const hidden = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text of others for a message: control characters, and those that turn a line's direction, as they
 * are escaped in JSON; cut in its middle where it is long.
 */
export function visible(text: string): string {
  const cut =
    text.length <= shownLength
      ? text
      : `${text.slice(0, shownLength / 2)}…${text.slice(-shownLength / 2)}`;
  return cut.replace(hidden, escaped);
}

const escaped = (character: string) =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
