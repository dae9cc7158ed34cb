import * as v from 'valibot';
import { readJson } from '../host/foreign-json.ts';
import { limits } from '../host/limits.ts';
import { cells, code, escapeText } from './markdown.ts';

// The comment that a pull request gets: rows that people read, and the same hidden, for the next job.

const text = v.pipe(v.string(), v.maxLength(limits.commentText));
const texts = v.pipe(v.array(text), v.maxLength(limits.commentList));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const rowSchema = v.object({
  /** What no other image of the pull request has. */
  key: text,
  /** The name of the image for people. */
  image: text,
  /** The workflow run and its attempt, and when it was over (ms since the epoch): the newest row counts. */
  version: v.tuple([count, count, count]),
  /** The run's page, and the commit. */
  run: v.exactOptional(text),
  commit: v.exactOptional(text),
  /** What happened. */
  sentence: text,
  /** What the image needs, and how that differs; empty where it is not known. */
  size: text,
  /** The branch whose last run this one is compared with. */
  against: v.exactOptional(text),
  /** The first of them, and how many there are. */
  packages: texts,
  allPackages: count,
  layers: texts,
  allLayers: count,
});

const rowsSchema = v.object({ rows: v.array(v.unknown()) });

/** What one job has to tell of its image. */
export type CommentRow = v.InferOutput<typeof rowSchema>;

const marker = '<!-- comfy-nix: the images of a pull request -->';
const hidden = /^<!-- rows ([A-Za-z0-9+/=]*) -->$/m;

/** The rows of a comment; undefined where it is none of this program's. What is broken in it is left out. */
export function rowsIn(comment: string): CommentRow[] | undefined {
  if (!comment.startsWith(marker)) return undefined;
  const [, packed = ''] = hidden.exec(comment.replaceAll('\r', '').slice(0, limits.comment)) ?? [];
  const rows = readJson(rowsSchema, Buffer.from(packed, 'base64').toString())?.rows ?? [];
  return rows.flatMap(row => {
    const { success, output } = v.safeParse(rowSchema, row);
    return success ? [output] : [];
  });
}

/** All rows, of each image the newest, by their names. */
export function mergeRows(...lists: readonly (readonly CommentRow[])[]): CommentRow[] {
  const newest = new Map<string, CommentRow>();
  for (const row of lists.flat()) {
    const known = newest.get(row.key);
    if (known === undefined || isNewer(row, known)) newest.set(row.key, row);
  }
  return [...newest.values()].sort(
    (one, other) => order(one.image, other.image) || order(one.key, other.key),
  );
}

/** Whether these rows are there, or newer ones in their place. */
export function hold(rows: readonly CommentRow[], wanted: readonly CommentRow[]): boolean {
  return wanted.every(row => rows.some(each => each.key === row.key && !isNewer(row, each)));
}

const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function isNewer({ version: one }: CommentRow, { version: other }: CommentRow): boolean {
  const at = one.findIndex((number, index) => number !== other[index]);
  return at >= 0 && (one[at] ?? 0) > (other[at] ?? 0);
}

/** The comment with these rows; where they are too many for one, the oldest are left out. */
export function commentMarkdown(rows: readonly CommentRow[]): string {
  const kept = mergeRows(rows);
  let body = document(kept, 0);
  while (body.length > limits.comment && kept.length > 1) {
    const oldest = kept.reduce((one, other) => (isNewer(one, other) ? other : one));
    kept.splice(kept.indexOf(oldest), 1);
    body = document(kept, rows.length - kept.length);
  }
  return body;
}

function document(rows: readonly CommentRow[], leftOut: number): string {
  const packed = Buffer.from(JSON.stringify({ rows })).toString('base64');
  const newest = rows.reduce((one, other) => (isNewer(other, one) ? other : one));
  const table = [
    cells('image', 'what happened', 'size', 'packages', 'layers'),
    '|:--|:--|:--|:--|:--|',
    ...rows.map(row => tableRow(row, newest)),
  ];
  return [
    `${marker}\n<!-- rows ${packed} -->`,
    '### Images of this pull request',
    table.join('\n'),
    ...comparedWith(rows),
    ...(leftOut === 0 ? [] : [`${leftOut} more are left out.`]),
  ].join('\n\n');
}

function comparedWith(rows: readonly CommentRow[]): string[] {
  const branches = [...new Set(rows.flatMap(({ against }) => against ?? []))];
  if (branches.length === 0) return [];
  return [`Compared with the last run of ${branches.map(code).join(' and ')}.`];
}

function tableRow(row: CommentRow, newest: CommentRow): string {
  const isOld = row.commit !== undefined && row.commit !== newest.commit;
  const of = isOld ? ` (at ${code(row.commit?.slice(0, 7) ?? '')})` : '';
  return cells(
    imageCell(row),
    `${inert(row.sentence)}${of}`,
    row.size === '' ? '–' : inert(row.size),
    listCell(row.packages.map(inert), row.allPackages),
    listCell(row.layers.map(code), row.allLayers),
  );
}

/** Text of others that calls nobody, and links to nothing: a comment tells people whom it names. */
const inert = (words: string): string =>
  escapeText(words).replace(/@|#|:(?=\/\/)|\bwww(?=\.)|\bGH(?=-)/gi, '$&&#8203;');

/** An address of the runner's own; in angle brackets nothing in it ends the link. */
function imageCell({ image, run }: CommentRow): string {
  const isAddress = run !== undefined && /^https?:\/\/[^\s<>|\\]+$/.test(run);
  return isAddress ? `[${code(image)}](<${run}>)` : code(image);
}

function listCell(shown: readonly string[], all: number): string {
  if (all === 0) return '–';
  const more = all - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join('<br>');
}
