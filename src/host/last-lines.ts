import { limits } from './limits.ts';

/** The last of what a program has said, as evidence of why it failed; nothing where it said nothing. */
export const lastLines = (said: string): string[] =>
  said
    .split('\n')
    .filter(line => line.trim() !== '')
    .slice(-limits.evidence);
