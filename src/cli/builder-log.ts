import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The file with all that the builder of a derivation said, where this machine's Nix has kept it. */
export function builderLog(
  derivation: string,
  { NIX_LOG_DIR }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const name = /[^/]+$/.exec(derivation)?.[0] ?? '';
  const folder = join(NIX_LOG_DIR || '/nix/var/log/nix', 'drvs', name.slice(0, 2));
  const plain = join(folder, name.slice(2));
  return [`${plain}.bz2`, plain].find(file => existsSync(file));
}
