import { statSync } from 'node:fs';
import { relative, resolve } from 'node:path';

/** All that an address may hold as it is; a percent sign begins an escape there. */
const plainAddress = /^(?:[\w~.!$&'()*+,;=:@/-]|%[\da-f]{2})*$/i;

/**
 * A flake reference as Nix understands it. `path:` begins an address, in which blanks, "%", "#" and "?" are
 * escaped, but a folder is written there as it is called: where there is a folder of just that name, it is
 * meant. Relative to `cwd` if possible, since Nix 2.8 knows no escapes. What follows its last "#" is the
 * attribute; any other reference is given back as it is.
 */
export function asAddress(reference: string, cwd: string): string {
  if (!reference.startsWith('path:')) return reference;
  const hash = reference.lastIndexOf('#');
  for (const end of hash < 0 ? [reference.length] : [reference.length, hash]) {
    const path = reference.slice('path:'.length, end);
    const folder = resolve(cwd, path);
    if (plainAddress.test(path) || !isFolder(folder)) continue;
    return `path:${addressOf(folder, cwd)}${reference.slice(end)}`;
  }
  return reference;
}

function addressOf(folder: string, cwd: string): string {
  const below = relative(cwd, folder);
  const isBelow = below !== '..' && !below.startsWith('../') && plainAddress.test(below);
  return isBelow ? `./${below}` : folder.split('/').map(encodeURIComponent).join('/');
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
