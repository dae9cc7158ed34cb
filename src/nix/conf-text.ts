/** A line of a nix.conf that says something; `line` counts from 1. */
export type ConfLine =
  | { kind: 'setting'; line: number; name: string; value: string }
  | { kind: 'include'; line: number; file: string; required: boolean }
  /** A line that Nix refuses, and with it the whole file. */
  | { kind: 'unreadable'; line: number };

/**
 * Reads the text of a nix.conf, or of NIX_CONFIG, as Nix does (src/libutil/configuration.cc,
 * parseConfigFiles): words between blanks, and `#` begins a comment wherever it stands.
 */
export function readConfText(text: string): ConfLine[] {
  return text.split('\n').flatMap((whole, index): ConfLine[] => {
    const words = whole.replace(/#.*/, '').split(/[ \t\r]+/);
    const [name = '', second = '', ...rest] = words.filter(word => word !== '');
    const line = index + 1;
    if (name === '') return [];
    if ((name === 'include' || name === '!include') && second !== '' && rest.length === 0) {
      return [{ kind: 'include', line, file: second, required: name === 'include' }];
    }
    if (second !== '=') return [{ kind: 'unreadable', line }];
    return [{ kind: 'setting', line, name, value: rest.join(' ') }];
  });
}
