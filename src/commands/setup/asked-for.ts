import type { SetupSettings } from '../../inputs/settings.ts';
import type { InputName } from '../../inputs/table.ts';
import { readConfText } from '../../nix/conf-text.ts';
import { inputsThatAsk } from './inputs-that-ask.ts';

/** The inputs beside nix-conf that have a say in a setting of nix.conf. */
const bySetting: Readonly<Record<string, readonly InputName[]>> = {
  'max-jobs': ['max-jobs'],
  cores: ['cores'],
  'access-tokens': ['access-tokens'],
  substituters: ['extra-substituters', 'cachix-name'],
  'trusted-public-keys': ['extra-trusted-public-keys', 'cachix-name'],
  'netrc-file': ['cachix-name'],
  builders: ['builders'],
};

/** The inputs that ask for a setting explicitly; none: it is a default of this program. */
export function askedFor(setting: string, settings: SetupSettings): InputName[] {
  const named = bySetting[setting] ?? [];
  const isStated = readConfText(settings.conf.lines.join('\n')).some(
    line => line.kind === 'setting' && line.name.replace(/^extra-/, '') === setting,
  );
  return inputsThatAsk(settings).filter(input =>
    input === 'nix-conf' ? isStated : named.includes(input),
  );
}
