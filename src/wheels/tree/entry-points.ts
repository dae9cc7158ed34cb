import { refused } from './refused.ts';
import { interpreterLine } from './script.ts';

/** Groups of entry points that become programs. */
const groups = ['console_scripts', 'gui_scripts'];

const identifier = '[A-Za-z_][A-Za-z0-9_]*';
const dotted = `${identifier}(?:\\.${identifier})*`;
const namePattern = /^(?!\.\.?$)[A-Za-z0-9_.+-]+$/;
const objectPattern = new RegExp(
  `^(${dotted})[ \\t]*:[ \\t]*(${dotted})[ \\t]*(?:\\[[^\\]]*\\])?$`,
);

/**
 * The programs that `entry_points.txt` asks for: name → text (PyPA, "Entry points specification").
 *
 * @param file for errors
 * @throws Failure where a line is no entry point, or two have one name
 */
export function programsOf(text: string, file: string): Map<string, string> {
  const programs = new Map<string, string>();
  let group: string | undefined;
  for (const raw of text.split('\n')) {
    const line = stripped(raw);
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && line.endsWith(']')) group = stripped(line.slice(1, -1));
    else if (group !== undefined && groups.includes(group)) addProgram(line, programs, file);
  }
  return programs;
}

/** Without white space around it; what is such is the same for the builder. */
const stripped = (text: string): string =>
  text.replace(/^[ \t\r]+/, '').replace(/(?<![ \t\r])[ \t\r]+$/, '');

function addProgram(line: string, programs: Map<string, string>, file: string): void {
  const [left = '', ...right] = line.split('=');
  const name = stripped(left);
  const [, module = '', object = ''] = objectPattern.exec(stripped(right.join('='))) ?? [];
  if (!namePattern.test(name) || module === '') {
    throw refused(file, `"${line}" is no entry point (name = module:function)`);
  }
  if (programs.has(name)) throw refused(file, `it has the program ${name} twice`);
  programs.set(name, programText(module, object));
}

const programText = (module: string, object: string): string =>
  [
    interpreterLine,
    'import sys',
    `from ${module} import ${object.split('.')[0]}`,
    "if __name__ == '__main__':",
    `    sys.exit(${object}())`,
    '',
  ].join('\n');
