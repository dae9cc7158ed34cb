import { limits } from './limits.ts';

/**
 * Characters that are not seen, or change how others are seen: control and format characters (the
 * marks that turn the direction of text among them), separators of lines, halves of pairs.
 */
export const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const names: Readonly<Record<string, string>> = {
  '\t': '\t',
  '\n': '\\n',
  '\r': '\\r',
  '\u001b': '\\e',
};

/** A text whose hidden characters are written as escapes, such as `\r` and `\u200b`; tabs stay. */
export function escaped(text: string): string {
  return text.replaceAll(hidden, character => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return names[character] ?? (code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`);
  });
}

/** Text of others for a message: its hidden characters escaped, cut in its middle where it is long. */
export function visible(text: string): string {
  const half = limits.quoted / 2;
  return escaped(
    text.length <= limits.quoted ? text : `${text.slice(0, half)}…${text.slice(-half)}`,
  );
}
