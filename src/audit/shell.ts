/** A simple command of a shell script: its words, quotes removed, variables as they are written. */
export interface ShellCommand {
  words: readonly string[];
  /** It stands in a here-document: text that the script writes somewhere, and does not run. */
  written: boolean;
}

/**
 * The commands of a POSIX or bash script, in order, as far as reading can tell: comments are none,
 * neither are texts in quotes, except for what is handed to a shell with `-c` or to `eval`. Never throws; what is
 * no shell script gives commands that nothing recognises.
 */
export function commandsOf(script: string): ShellCommand[] {
  const { commands, documents } = split(script);
  return [
    ...commands.flatMap(words => [{ words, written: false }, ...handedOn(words)]),
    ...documents.flatMap(text => commandsOf(text).map(command => ({ ...command, written: true }))),
  ];
}

/** What a command hands to another shell: `bash -c '…'`, `eval "…"`. */
function handedOn(words: readonly string[]): ShellCommand[] {
  const at = words.findIndex(word => /(^|\/)(ba|da|z)?sh$/.test(word));
  const flag = at < 0 ? -1 : words.findIndex((word, index) => index > at && /^-\w*c$/.test(word));
  const inner = flag >= 0 ? words[flag + 1] : words[0] === 'eval' ? words[1] : undefined;
  return inner === undefined ? [] : commandsOf(inner);
}

const operators = new Set(['\n', ';', '&', '|', '(', ')', '`']);

/** Divides a script at its operators, and takes here-documents out of it. */
function split(script: string): { commands: string[][]; documents: string[] } {
  const commands: string[][] = [];
  const documents: string[] = [];
  const ends: DocumentEnd[] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < script.length; at++) {
    const letter = script[at] ?? '';
    if (letter === '\\') {
      at += 1;
      if (script[at] !== '\n') word = (word ?? '') + (script[at] ?? '');
    } else if (letter === "'" || letter === '"') {
      const end = closingQuote(script, at);
      const text = unquoted(script.slice(at + 1, end), letter);
      if (letter === '"') commands.push(...substituted(text));
      word = (word ?? '') + text;
      at = end;
    } else if (letter === '#' && word === undefined) {
      at = endOfLine(script, at) - 1;
    } else if (script.startsWith('<<', at) && script[at + 2] !== '<') {
      endWord();
      const opened = openDocument(script.slice(at, at + 200));
      if (opened.end) ends.push(opened.end);
      at += opened.length - 1;
    } else if (operators.has(letter)) {
      endCommand();
      if (letter === '\n' && ends.length > 0) at = takeDocuments(script, at, ends, documents);
    } else if (/\s/.test(letter)) endWord();
    else word = (word ?? '') + letter;
  }
  endCommand();
  return { commands, documents };
}

/** The commands whose output a text in double quotes takes: "$(curl …)". */
function substituted(text: string): string[][] {
  const [, inner] = /\$\((?!\()(.*)\)/s.exec(text) ?? [];
  return inner === undefined ? [] : split(inner).commands;
}

/** The line that ends a here-document; with `<<-` it may be indented. */
interface DocumentEnd {
  word: string;
  indented: boolean;
}

/** Reads `<<END`, `<<-END` or `<<'END'` at the start of a text, and how long it is. */
function openDocument(text: string): { end: DocumentEnd | undefined; length: number } {
  const [all = '<<', dash, quoted] = /^<<(-?)\s*(['"]?[\w.-]+['"]?)?/.exec(text) ?? [];
  const end = quoted && { word: quoted.replace(/['"]/g, ''), indented: dash === '-' };
  return { end: end || undefined, length: all.length };
}

/** Reads here-documents from the line after `at`; returns where the script goes on. */
function takeDocuments(
  script: string,
  at: number,
  ends: DocumentEnd[],
  documents: string[],
): number {
  let from = at + 1;
  for (const { word, indented } of ends.splice(0)) {
    const lines: string[] = [];
    while (from < script.length) {
      const end = endOfLine(script, from);
      const line = script.slice(from, end);
      from = end + 1;
      if ((indented ? line.replace(/^\t+/, '') : line) === word) break;
      lines.push(line);
    }
    documents.push(lines.join('\n'));
  }
  return from - 1;
}

function endOfLine(script: string, at: number): number {
  const end = script.indexOf('\n', at);
  return end < 0 ? script.length : end;
}

/** Where the quote closes that opens at `at`; the end of the script where it does not. */
function closingQuote(script: string, at: number): number {
  const quote = script[at];
  for (let end = at + 1; end < script.length; end++) {
    if (script[end] === quote) return end;
    if (quote === '"' && script[end] === '\\') end += 1;
  }
  return script.length;
}

const unquoted = (text: string, quote: string) =>
  quote === '"'
    ? text.replace(/\\(["\\$`\n])/g, (_, letter: string) => (letter === '\n' ? '' : letter))
    : text;

/** Words that stand before a command and are none: keywords, and programs that run others. */
const prefixes =
  /^(?:[A-Za-z_]\w*=.*|exec|sudo|env|nohup|time|nice|command|if|then|else|elif|do|while|until|!|\{|fakeroot)$/s;
/** The same with one argument. */
const prefixesWithArgument = /^(?:chroot|gosu|su-exec|timeout|runuser)$/;

/** The words of a command from its program on, which is named without its folder. */
export function programAndArguments(words: readonly string[]): readonly string[] {
  let at = 0;
  for (;;) {
    const word = words[at];
    if (word === undefined) return [];
    if (prefixesWithArgument.test(baseName(word))) at += 2;
    else if (prefixes.test(baseName(word))) at += 1;
    else return [baseName(word), ...words.slice(at + 1)];
  }
}

const baseName = (word: string) =>
  /^[A-Za-z_]\w*=/.test(word) ? word : word.slice(word.lastIndexOf('/') + 1);
