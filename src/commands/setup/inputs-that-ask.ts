import type { SetupSettings } from '../../inputs/settings.ts';
import type { InputName } from '../../inputs/table.ts';

/** The inputs that ask for settings of Nix; all else that a set-up writes is its own idea. */
export function inputsThatAsk({ conf, caches, builders }: SetupSettings): InputName[] {
  const asked: readonly [InputName, boolean][] = [
    ['nix-conf', conf.lines.length > 0],
    ['access-tokens', conf.accessTokens.length > 0],
    ['max-jobs', conf.maxJobs !== undefined],
    ['cores', conf.cores !== undefined],
    ['extra-substituters', caches.substituters.length > 0],
    ['extra-trusted-public-keys', caches.publicKeys.length > 0],
    ['cachix-name', caches.cachix.pull.length > 0],
    ['builders', builders !== undefined],
  ];
  return asked.filter(([, asks]) => asks).map(([name]) => name);
}
