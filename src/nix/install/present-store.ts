import type { Host } from '../../host/host.ts';
import { isThere } from '../../host/presence.ts';
import type { EffectiveConf } from '../conf.ts';
import { usesDaemon } from '../daemon.ts';
import { isAtLeast } from '../nix.ts';
import { homeStore, placeOfStore } from '../store-place.ts';
import type { Nix } from '../types.ts';
import type { Machine } from './machine.ts';
import { privilegedRunner } from './privileged.ts';
import { prepareStoreFolder } from './store-folder.ts';

/** From this version on, Nix has a store below HOME for users of a machine without /nix. */
const homeStores = '2.10';

/**
 * A Nix that was there before, with a store that this user can use, so that nothing is evaluated in vain:
 * Nix may have come without a /nix, or the store be root's, and no daemon be there to write to it. Makes
 * /nix where that is what is missing. Rejects with a `Failure`.
 */
export async function withUsableStore(
  nix: Nix,
  conf: EffectiveConf,
  machine: Machine,
  host: Host,
): Promise<Nix> {
  const { env } = host;
  const place = placeOfStore(conf.text('store'), nix.storeDir);
  if (place !== undefined) return { ...nix, place };
  if (machine.uid === 0 || isElsewhere(conf, env) || (await usesDaemon(env))) return nix;
  if (isAtLeast(nix.version, homeStores) && !(await isThere('/nix/var/nix'))) {
    const inHome = homeStore(nix.storeDir, env);
    return inHome === undefined ? nix : { ...nix, place: inHome };
  }
  await prepareStoreFolder(machine, privilegedRunner(machine, host));
  return nix;
}

/** Whether the user has told Nix which store to use: Nix itself finds out whether it can. */
function isElsewhere(conf: EffectiveConf, env: Host['env']): boolean {
  const names = ['NIX_REMOTE', 'NIX_STORE_DIR', 'NIX_STATE_DIR'];
  if (names.some(name => (env[name] ?? '') !== '')) return true;
  return !['', 'auto'].includes(conf.text('store'));
}
