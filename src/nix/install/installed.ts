import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { type EffectiveConf, readConf } from '../conf.ts';
import { minimumVersion, nixIn } from '../nix.ts';
import type { Nix } from '../types.ts';
import { withoutMissingBuildUsers } from './configure.ts';
import type { Machine } from './machine.ts';

/** What other processes need in order to use a Nix: folders in front of PATH, and variables. */
export interface Exports {
  path: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** A Nix that this run has installed. */
export interface Installed {
  nix: Nix;
  /** The settings that are in effect. */
  conf: EffectiveConf;
  exports: Exports;
}

/**
 * The Nix in a folder that was just filled, which needs the variables `env`. Throws a
 * {@link Failure} when it is too old.
 */
export async function nixInstalledIn(
  bin: string,
  env: Readonly<Record<string, string>>,
  machine: Machine,
  host: Host,
): Promise<Installed> {
  const plain = await nixIn(bin, { ...host, env: { ...host.env, ...env } });
  if (!plain) {
    throw new Failure(
      `After the installation ${bin} holds no Nix, or one older than ${minimumVersion}.`,
      {
        tried: `${bin}/nix --version.`,
        next: 'Set `install-nix: release`, or install a newer Nix yourself.',
      },
    );
  }
  const complete = { ...plain, env: { ...env, ...plain.env }, host };
  const conf = await readConf(complete);
  const nix = withoutMissingBuildUsers(complete, machine, conf);
  return { nix, conf, exports: { path: [bin], env } };
}
