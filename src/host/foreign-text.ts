import { limits } from './limits.ts';
import { escaped, hidden } from './visible.ts';

/**
 * Makes text of others fit to be printed: text of flakes, Nix, builders, registries, caches, indexes.
 * Whatever a face prints goes through one of these.
 */
export interface TextGuard {
  /** Learns a secret; its lines are secrets too. */
  hide(secret: string): void;
  /** The lines of a text, each fit to be printed. */
  lines(text: string): string[];
  /** The same as one text. */
  text(text: string): string;
  /** A text as one line: its line breaks become visible. */
  line(text: string): string;
  /** A JSON document, which stays one, of any length. */
  json(document: string): string;
  /** A Markdown document, whose parts have been escaped (`report/markdown.ts`) where they were made. */
  document(markdown: string): string;
}

/** Shorter texts are no secrets: to mask them would only blacken what is printed. */
const shortestSecret = 4;

/**
 * A guard that knows no secret yet. In what it gives
 * - no command to GitHub's runner begins (the command line runs in workflows too),
 * - control characters are visible, but for tabs; colours are gone,
 * - secrets are masked, and user names with passwords in addresses,
 * - the length is bounded (`limits.printed`).
 */
export function textGuard(): TextGuard {
  const secrets = new Set<string>();
  const masked = (text: string): string => {
    let safe = text;
    for (const secret of secrets) safe = safe.replaceAll(secret, '***');
    return safe.replaceAll(/(\bhttps?:\/\/)[^\s/?#"'<>]+@/gi, '$1***@');
  };
  const lines = (text: string): string[] =>
    cutLines(masked(withoutColours(cutText(text))).split(/\r?\n/)).map(line =>
      cutLine(withoutCommands(escaped(line))),
    );
  return {
    hide(secret) {
      const inJson = JSON.stringify(secret).slice(1, -1);
      for (const each of [secret, inJson, ...secret.split(/\r?\n/)]) {
        if (each.trim().length >= shortestSecret) secrets.add(each.trim());
      }
    },
    lines,
    text: text => lines(text).join('\n'),
    line: text => cutLine(withoutCommands(escaped(masked(withoutColours(cutText(text)))))),
    json: document => asJson(masked(document)),
    document: markdown => cutDocument(masked(markdown).split('\n').map(escaped).join('\n')),
  };
}

/** Colours and "erase to the end of the line", as compilers print them: they only decorate. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const colour = /\u001b\[[\d;:]*[mK]/g;

const withoutColours = (text: string): string => text.replaceAll(colour, '');

/**
 * What may stand in a command without ending it: white space, which the runner trims, and what its
 * comparison, which goes by the language, takes for nothing (marks, unassigned characters).
 */
const gap = String.raw`(?:[^\p{L}\p{N}\p{P}\p{S}]|\p{DI})*`;

/** `::name::` is a command at the start of a line alone. */
const command = new RegExp(`^(${gap}):(${gap}):`, 'u');

/** `##[name]`, the older form, is one wherever it stands in a line. */
const olderCommand = new RegExp(String.raw`#(${gap})#(${gap})\[`, 'gu');

/** A line in which the runner (actions/runner, ActionCommand.cs) finds no command. */
const withoutCommands = (line: string): string =>
  line.replace(command, '$1\\:$2:').replaceAll(olderCommand, '#$1#$2\\[');

/** A JSON document with escapes for what is not seen, and for what could begin a command. */
const asJson = (document: string): string =>
  document
    .replaceAll(hidden, found => (found === '\n' ? found : inJson(found)))
    .replaceAll(new RegExp(`#(?=${gap}#)`, 'gu'), inJson);

const inJson = (text: string): string =>
  text
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

const { text: mostText, line: mostLine, lines: mostLines, document: mostDocument } = limits.printed;

const cutText = (text: string): string =>
  text.length <= mostText ? text : `${text.slice(0, mostText)}\n${leftOut(text, mostText)}`;

const cutLine = (line: string): string =>
  line.length <= mostLine
    ? line
    : `${line.slice(0, mostLine).toWellFormed()}… ${leftOut(line, mostLine)}`;

const leftOut = (text: string, most: number): string =>
  `(${text.length - most} more characters are left out)`;

/** The first and the last lines: what failed is told at the end. */
function cutLines(lines: string[]): string[] {
  if (lines.length <= mostLines) return lines;
  const half = Math.floor(mostLines / 2);
  return [
    ...lines.slice(0, half),
    `(${lines.length - 2 * half} lines are left out)`,
    ...lines.slice(-half),
  ];
}

/** Whole lines of a document, as many as fit: the runner takes none of one that is larger. */
function cutDocument(markdown: string): string {
  const bytes = Buffer.from(markdown);
  if (bytes.length <= mostDocument) return markdown;
  const end = bytes.lastIndexOf('\n', mostDocument);
  const kept = bytes.subarray(0, Math.max(end, 0)).toString();
  return `${kept}\n\nThe rest is left out: a summary holds ${mostDocument} bytes.\n`;
}
