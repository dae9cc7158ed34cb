/**
 * Names as Nix allows them (src/libstore/path.cc, checkName): of derivations, outputs and store paths.
 * Nix 2.8 takes "." and "..", alone or before a hyphen, as well; later versions do not.
 */
const name = String.raw`(?!\.\.?(?:-|$))[0-9a-zA-Z+\-._?=]{1,211}`;

/** Nix's base 32 of 20 bytes. */
const hash = '[0-9abcdfghijklmnpqrsvwxyz]{32}';

const namePattern = new RegExp(`^${name}$`);
const storePathPattern = new RegExp(`^(?:/[^/\\p{Cc}]+)+/${hash}-${name}$`, 'u');

/** Whether this can be the name of a derivation or an output. */
export const isNixName = (text: string): boolean => namePattern.test(text);

/** Whether this is an absolute path that ends in `<hash>-<name>`; of which store is not looked at. */
export const isStorePath = (text: string): boolean =>
  storePathPattern.test(text) && !/\/\.{1,2}\//.test(text);

/** Whether this is a store path of a derivation. */
export const isDerivationPath = (text: string): boolean =>
  isStorePath(text) && text.endsWith('.drv');

/** What stands for an output whose path is known only after the build (Nix's placeholders). */
export const isPlaceholder = (text: string): boolean =>
  /^\/[0-9abcdfghijklmnpqrsvwxyz]{52}$/.test(text);

/** A store path's name, without the hash and ".drv". */
export function nameOf(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  return base.replace(/^[0-9a-z]{32}-/, '').replace(/\.drv$/, '');
}
