import { shownAddress } from '../../host/http/address.ts';
import type { EffectiveConf } from '../../nix/conf.ts';

/** What Nix has said is in effect, as far as people ask for it; no secret is in it. */
export interface InEffect {
  /** Addresses without logins. */
  substituters: readonly string[];
  /** Names of trusted keys. */
  trustedKeys: readonly string[];
  maxJobs: string;
  cores: string;
  /** Servers for which there is a token. */
  tokensFor: readonly string[];
  /** Whether a daemon takes these settings from this user; undefined: there is none. */
  daemon: 'trusting' | 'distrusting' | undefined;
}

/** Reads it from what Nix has answered. */
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
