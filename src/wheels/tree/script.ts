/** The first line of a program of a wheel, without its end; the interpreter's place in the image. */
export const interpreterLine = '#!/opt/python/bin/python3';

/** What a script begins with whose first line is to name an interpreter. */
const mark = Buffer.from('#!python');

/** Whether bytes are the beginning of a script whose first line is replaced. */
export const wantsInterpreter = (start: Buffer): boolean =>
  start.subarray(0, mark.length).equals(mark);

/** Such a script with its first line as it is in the image. */
export function withInterpreter(script: Buffer): Buffer {
  const end = script.indexOf('\n');
  const rest = end < 0 ? Buffer.alloc(0) : script.subarray(end + 1);
  return Buffer.concat([Buffer.from(`${interpreterLine}\n`), rest]);
}
