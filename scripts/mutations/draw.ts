// Which places are drawn. The draw depends on each place by itself: where a source is edited, the others
// stay drawn.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Site, sitesOf } from './sites.ts';

/** A place that was drawn, and the names by which it is found again when lines have moved. */
export interface Mutant extends Site {
  /** Relative to the repository. */
  file: string;
  /** From 1; it may move. */
  line: number;
  /** The line's text, without the blanks around it. */
  text: string;
  /** Which of the places in the file that have this text and this change, from 0. */
  nth: number;
}

/** What a mutant is called in the list, however far its line moves. */
export const identityOf = ({
  file,
  text,
  change,
  nth,
}: Omit<Mutant, keyof Site | 'line'> & Pick<Site, 'change'>) =>
  JSON.stringify([file, text, change, nth]);

/** Draws `count` places of the files. The same seed and sources give the same places, sorted by place. */
export function drawMutants(files: readonly string[], seed: number, count: number): Mutant[] {
  const lot = (mutant: Mutant) =>
    createHash('sha256')
      .update(`${seed} ${identityOf(mutant)}`)
      .digest('hex');
  return files
    .flatMap(mutantsOf)
    .map(mutant => ({ mutant, lot: lot(mutant) }))
    .sort((one, other) => (one.lot < other.lot ? -1 : 1))
    .slice(0, count)
    .map(({ mutant }) => mutant)
    .sort((one, other) => compare(one.file, other.file) || one.start - other.start);
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function mutantsOf(file: string): Mutant[] {
  const source = readFileSync(file, 'utf8');
  const lines = source.split('\n');
  const met = new Map<string, number>();
  return sitesOf(source).map(site => {
    const line = source.slice(0, site.start).split('\n').length;
    const text = lines[line - 1]?.trim() ?? '';
    const name = `${text}\n${site.change}`;
    const nth = met.get(name) ?? 0;
    met.set(name, nth + 1);
    return { ...site, file, line, text, nth };
  });
}
