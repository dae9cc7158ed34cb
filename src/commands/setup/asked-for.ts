import type { SetupSettings } from '../../inputs/settings.ts';
import type { InputName } from '../../inputs/table.ts';
import { readConfText } from '../../nix/conf-text.ts';

/** The inputs that ask for a setting of nix.conf explicitly; what they do not name is a default. */
export function askedFor(
  setting: string,
  { conf, caches, builders }: SetupSettings,
): readonly InputName[] {
  const { cachix, substituters, publicKeys } = caches;
  const cachixInput = cachix.pull.length > 0 ? (['cachix-name'] as const) : [];
  const bySetting: Readonly<Record<string, readonly InputName[]>> = {
    'max-jobs': conf.maxJobs === undefined ? [] : ['max-jobs'],
    cores: conf.cores === undefined ? [] : ['cores'],
    'access-tokens': conf.accessTokens.length > 0 ? ['access-tokens'] : [],
    substituters: [
      ...(substituters.length > 0 ? (['extra-substituters'] as const) : []),
      ...cachixInput,
    ],
    'trusted-public-keys': [
      ...(publicKeys.length > 0 ? (['extra-trusted-public-keys'] as const) : []),
      ...cachixInput,
    ],
    'netrc-file': cachixInput,
    builders: builders === undefined ? [] : ['builders'],
  };
  return [
    ...(bySetting[setting] ?? []),
    ...(statesIn(conf.lines, setting) ? (['nix-conf'] as const) : []),
  ];
}

function statesIn(lines: readonly string[], setting: string): boolean {
  return readConfText(lines.join('\n')).some(
    line => line.kind === 'setting' && line.name.replace(/^extra-/, '') === setting,
  );
}
