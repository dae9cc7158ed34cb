import { linesOf } from '../lists/lines.ts';

/**
 * `install_requires` in a setup.cfg (setuptools, "Configuring setuptools using setup.cfg files"): lines of a
 * requirements list. Undefined where it has none, or names another file.
 */
export function requirementsInSetupCfg(content: string): string[] | undefined {
  const value = optionIn(content, 'options', 'install_requires');
  if (value === undefined || /^\s*file:/.test(value)) return undefined;
  // beside the key semicolons part requirements; below it one begins a marker
  const list = value.includes('\n') ? value : value.replaceAll(';', '\n');
  return linesOf(list).map(({ text }) => text);
}

/** The value of a key in a section, with the lines below it that are indented (Python's configparser). */
function optionIn(content: string, section: string, key: string): string | undefined {
  let [isIn, value]: [boolean, string | undefined] = [false, undefined];
  for (const line of content.split(/\r\n|\n|\r/)) {
    if (value !== undefined && /^(\s|[#;]|$)/.test(line)) value += `\n${line}`;
    else if (value !== undefined) return value;
    else if (line.startsWith('[')) isIn = line.trim() === `[${section}]`;
    else if (isIn) value = new RegExp(`^${key}\\s*[=:](.*)`).exec(line)?.[1];
  }
  return value;
}
