import { parse, TomlError } from 'smol-toml';
import { Failure } from '../host/failure.ts';

/** What is wrong with a text that is no TOML. */
export interface TomlMistake {
  /** Counted from 1. */
  line: number;
  reason: string;
  /** The lines around it. */
  shown: string[];
  cause: unknown;
}

/** The tables of a text of others, or what is wrong with it. */
export function readToml(
  content: string,
): { tables: Record<string, unknown> } | { mistake: TomlMistake } {
  try {
    return { tables: parse(content) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [said = ''] = cause.message.split('\n');
    const reason = said.replace('Invalid TOML document: ', '');
    const shown = cause.codeblock.split('\n').filter(line => line.trim() !== '');
    return { mistake: { line: cause.line, reason, shown, cause } };
  }
}

/**
 * The tables of a file; `file` is for errors.
 * @param next what to do where it is none, as a sentence
 * @throws Failure that names file and line
 */
export function parseToml(content: string, file: string, next: string): Record<string, unknown> {
  const read = readToml(content);
  if ('tables' in read) return read.tables;
  const { line, reason, shown, cause } = read.mistake;
  const message = `${file}:${line}: this is no TOML: ${reason}.`;
  throw new Failure(message, { evidence: shown, next, cause });
}
