import { stripVTControlCharacters } from 'node:util';
import { type Fields, isRecord } from '../host/foreign-value.ts';

/** `type` of a `start` (Nix's src/libutil/logging.hh, ActivityType); others are ignored here. */
export const activity = {
  copyPath: 100,
  fileTransfer: 101,
  copyPaths: 103,
  builds: 104,
  build: 105,
  substitute: 108,
} as const;

/** `type` of a `result` (ResultType in the same file); the numbers overlap those of activities. */
export const result = { logLine: 101, progress: 105, expected: 106 } as const;

/** Levels of messages (Verbosity in the same place): 0 error, 1 warning, 2 notice, 3 info … */
export const level = { error: 0, warning: 1, notice: 2, info: 3 } as const;

/** One line of `--log-format internal-json`. Ids are text: they can be too large for a number. */
export type RawEvent =
  | { action: 'start'; id: string; type: number; text: string; fields: readonly Field[] }
  | { action: 'stop'; id: string }
  | { action: 'result'; id: string; type: number; fields: readonly Field[] }
  | { action: 'msg'; level: number; text: string };

type Field = string | number;

const prefix = '@nix ';

/**
 * Parses one line of Nix's standard error. Any line that is not in the format (git writes there, for
 * one) is a message at notice level; undefined stands for actions that this program does not know.
 * Messages come without colours.
 */
export function parseLine(line: string): RawEvent | undefined {
  const message = (text: string): RawEvent => ({
    action: 'msg',
    level: level.notice,
    text: stripVTControlCharacters(text),
  });
  if (!line.startsWith(prefix)) return message(line);
  const said = parseObject(line.slice(prefix.length));
  if (!said) return message(line);
  const type = typeof said.type === 'number' ? said.type : -1;
  const text = typeof said.text === 'string' ? said.text : '';
  switch (said.action) {
    case 'start':
      return { action: 'start', id: idOf(line), type, text, fields: fieldsOf(said.fields) };
    case 'stop':
      return { action: 'stop', id: idOf(line) };
    case 'result':
      return { action: 'result', id: idOf(line), type, fields: fieldsOf(said.fields) };
    case 'msg':
      return messageOf(said);
    default:
      return undefined;
  }
}

/** Nix gives a trace the level of errors, whatever a flake writes there. */
function messageOf({ level: given, msg }: Fields): RawEvent {
  const text = stripVTControlCharacters(typeof msg === 'string' ? msg : '');
  const isTrace = text.startsWith('trace: ');
  const known = typeof given === 'number' ? given : level.info;
  return { action: 'msg', level: isTrace ? level.notice : known, text };
}

function parseObject(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Ids are made of a process id shifted by 32 bits, which JavaScript's numbers may round. */
const idOf = (line: string): string => /"id":\s*(\d+)/.exec(line)?.[1] ?? '';

const isField = (value: unknown): value is Field =>
  typeof value === 'string' || Number.isFinite(value);

const fieldsOf = (fields: unknown): Field[] =>
  Array.isArray(fields) ? fields.filter(isField) : [];
