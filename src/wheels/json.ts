import { Failure } from '../host/failure.ts';

/**
 * The value of a file of people's version control; `file` is for errors.
 * @param next what to do where it is broken, as a sentence
 * @throws Failure that names file and line of the first mistake
 */
export function parseJson(content: string, file: string, next: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    const conflict = content.split('\n').findIndex(line => /^(<{7}|={7}|>{7})( |$)/.test(line));
    if (conflict >= 0) {
      throw new Failure(`${file}:${conflict + 1}: the file holds a merge conflict.`, {
        next: 'Take either side, then run comfy-nix prefetch.',
      });
    }
    const message = `${file}:${lineOfMistake(content)}: this is no JSON: ${(cause as Error).message}`;
    throw new Failure(message, { next, cause });
  }
}

/**
 * The line of the first mistake. JSON.parse does not always tell it, but it does tell whether a text
 * merely ends too early: the first line whose end is wrong in any other way has the mistake.
 */
function lineOfMistake(content: string): number {
  const lines = content.split('\n');
  // once a beginning is wrong, so are all that are longer
  let [right, wrong] = [0, lines.length];
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if (mayGoOn(lines.slice(0, middle).join('\n'))) right = middle;
    else wrong = middle;
  }
  return wrong;
}

function mayGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    return message.includes('Unexpected end') || Number(position) >= beginning.length;
  }
}
