/** A part of a document. */
export interface Section {
  /** What it is called where it is left out. */
  name: string;
  /** Paragraphs; a section without any is none. */
  parts: readonly string[];
  /** How readily it is left out where there is no room: the highest first; absent: never. */
  rank?: number;
}

/** Bytes of a summary; GitHub takes 1 MiB of a step, of which other tools may need some. */
const room = 900_000;

/** The document that fits: what interests least is left out, and it says so. */
export function fitted(sections: readonly Section[], most = room): string {
  const kept = sections.filter(({ parts }) => parts.length > 0);
  const leftOut: string[] = [];
  while (sizeOf(kept) > most) {
    const least = kept.reduce((one, other) => (rankOf(other) > rankOf(one) ? other : one));
    if (least.rank === undefined) break;
    leftOut.push(least.name);
    kept.splice(kept.indexOf(least), 1);
  }
  const note =
    leftOut.length === 0
      ? []
      : [`Left out, since a summary has little room: ${leftOut.join(', ')}. The record has it.`];
  return `${[...kept.flatMap(({ parts }) => parts), ...note].join('\n\n')}\n`;
}

const rankOf = ({ rank = -1 }: Section): number => rank;

const sizeOf = (sections: readonly Section[]): number =>
  sections.reduce(
    (sum, { parts }) => sum + parts.reduce((all, part) => all + Buffer.byteLength(part) + 2, 0),
    0,
  );
