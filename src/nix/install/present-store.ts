import { access } from 'node:fs/promises';
import type { Host } from '../../host/host.ts';
import type { EffectiveConf } from '../conf.ts';
import { usesDaemon } from '../daemon.ts';
import { isAtLeast } from '../nix.ts';
import type { Nix } from '../types.ts';
import type { Machine } from './machine.ts';
import { privilegedRunner } from './privileged.ts';
import { prepareStoreFolder } from './store-folder.ts';

/** From this version on, Nix has a store below HOME for users of a machine without /nix. */
const homeStores = '2.10';

/**
 * Sees to it that this user can use the store of a Nix that was there before, so that nothing is evaluated
 * in vain: Nix may have come without a /nix, or the store be root's, and no daemon be there to write to it.
 * Makes /nix where that is what is missing. Rejects with a `Failure`.
 */
export async function prepareStoreOf(
  nix: Nix,
  conf: EffectiveConf,
  machine: Machine,
  host: Host,
): Promise<void> {
  if (machine.uid === 0 || isElsewhere(conf, host.env) || (await usesDaemon(host.env))) return;
  if (isAtLeast(nix.version, homeStores) && !(await exists('/nix/var/nix'))) return;
  await prepareStoreFolder(machine, privilegedRunner(machine, host));
}

/** Whether the user has told Nix which store to use: Nix itself finds out whether it can. */
function isElsewhere(conf: EffectiveConf, env: Host['env']): boolean {
  const names = ['NIX_REMOTE', 'NIX_STORE_DIR', 'NIX_STATE_DIR'];
  if (names.some(name => (env[name] ?? '') !== '')) return true;
  return !['', 'auto'].includes(conf.text('store'));
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
