import { shownAddress } from '../../host/http/address.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import type { InEffect } from '../../report/setup.ts';

/** Reads what is in effect from what Nix has answered. */
export function inEffect(conf: EffectiveConf, daemon: InEffect['daemon']): InEffect {
  return {
    substituters: [...new Set(conf.list('substituters').map(shownAddress))],
    trustedKeys: [...new Set(conf.list('trusted-public-keys').map(key => key.replace(/:.*$/, '')))],
    maxJobs: conf.text('max-jobs'),
    cores: conf.text('cores'),
    tokensFor: conf.names('access-tokens'),
    daemon,
  };
}
