import stringWidth from 'string-width';
import type { Piece } from './paint.ts';

/** The pieces of a line, cut so that it takes fewer than `columns` columns of a terminal. */
export function fitted(pieces: readonly Piece[], columns: number): Piece[] {
  const plain = pieces.map(piece => ({ ...piece, text: piece.text.replaceAll('\t', ' ') }));
  const all = plain.reduce((sum, { text }) => sum + stringWidth(text), 0);
  if (all < columns) return plain;
  let room = columns - 2;
  const kept = plain.map(piece => {
    const text = beginning(piece.text, room);
    room = text === piece.text ? room - stringWidth(text) : 0;
    return { ...piece, text };
  });
  return [...kept, { text: '…' }];
}

const segmenter = new Intl.Segmenter();

/** As much of a text as takes `columns` columns at most. */
function beginning(text: string, columns: number): string {
  let width = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    width += stringWidth(segment);
    if (width > columns) return text.slice(0, index);
  }
  return text;
}
