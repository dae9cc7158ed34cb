import { inWordsOf } from '../inputs/wording.ts';

/** A message in which inputs are flags, arguments and variables. */
export const inFlags = (message: string): string => inWordsOf('command-line', message);
