import { pathToFileURL } from 'node:url';
import { styleText } from 'node:util';

/** How a text looks where there are colours. */
export type Look = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A part of a line, which may be text of others. */
export interface Piece {
  text: string;
  look?: Look;
  /** A file or folder of this machine, absolute, that a terminal with links opens. */
  opens?: string;
}

/** Whether a stream gets colours: by no-color.org and FORCE_COLOR, else where it is a terminal that can. */
export function hasColours(
  isTerminal: boolean,
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return !['0', 'false'].includes(FORCE_COLOR);
  return isTerminal && TERM !== undefined && TERM !== 'dumb';
}

/** The text in a look; `text` has no escapes of its own. */
export const painted = (text: string, look: Look): string =>
  text === '' ? '' : styleText(look, text, { validateStream: false });

/** The text as a link to a file (OSC 8), in whose address no character can end it. */
export const linked = (text: string, file: string): string =>
  `\u001b]8;;${pathToFileURL(file).href}\u001b\\${text}\u001b]8;;\u001b\\`;
