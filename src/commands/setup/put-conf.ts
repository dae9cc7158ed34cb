import type { Host } from '../../host/host.ts';
import { notice } from '../../host/say.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import { type ConfLines, type ConfPlace, confFile, writeConf } from '../../nix/conf-files.ts';
import { settingsIn } from '../../nix/conf-statements.ts';
import type { Nix } from '../../nix/types.ts';
import { type Difference, tellDifferences } from './difference.ts';
import { inputsThatAsk } from './inputs-that-ask.ts';
import { extendedNixConfig, includeForJob } from './nix-config.ts';
import { verifySettings, type Wanted } from './verify.ts';

/** Settings that are in effect, as Nix says. */
export interface ConfInEffect {
  nix: Nix;
  /** What later steps need in order to have them. */
  env: Variables;
  conf: EffectiveConf;
  wanted: Wanted;
}

/** Variables with which programs find a Nix and its settings. */
type Variables = Readonly<Record<string, string>>;

/**
 * Writes the settings and asks Nix whether they are in effect. Where others win in a run or a job, they
 * get the last word by NIX_CONFIG. Rejects with a {@link Failure} where what an input asks for cannot be
 * had.
 *
 * @param installed what later steps need of the installation
 * @param more what they and this run need besides
 */
export async function putConf(
  conf: ConfLines,
  place: ConfPlace,
  settings: SetupSettings,
  { nix, installed, more }: { nix: Nix; installed: Variables; more: Variables },
): Promise<ConfInEffect> {
  const { host } = nix;
  const { env: found, advice } = await writeConf(conf, place, host);
  if (advice !== undefined) tellDifferences([notFound(advice, settings)], settings, host);
  const written = { ...more, ...found };
  const own = { ...nix, env: { ...nix.env, ...written } };
  const env = { ...installed, ...written };
  const file = await confFile(place, host.env);
  const wanted = { settings, lines: await settingsIn(file), file };
  // asked as later steps would ask, who do not get what this run hands to its own Nix processes
  const asked = await verifySettings({ ...nix, env }, wanted);
  const canMend = place.kind === 'folder' && asked.differences.some(({ kind }) => kind === 'lost');
  if (!canMend) {
    tellDifferences(asked.differences, settings, host);
    return { nix: own, env, conf: asked.conf, wanted };
  }
  const folder = settings.temporaryDirectory;
  const line = await includeForJob(file, folder);
  const present = env.NIX_CONFIG ?? host.env.NIX_CONFIG;
  const mended = { ...env, NIX_CONFIG: await extendedNixConfig(present, [line], folder) };
  const again = await verifySettings({ ...nix, env: mended }, wanted);
  tellDifferences(again.differences, settings, host);
  tellMended(asked.differences, host);
  const NIX_CONFIG = `${own.env.NIX_CONFIG}\n${line}`;
  const ready = { ...own, env: { ...own.env, NIX_CONFIG } };
  return { nix: ready, env: mended, conf: again.conf, wanted };
}

/** What a Nix needs to have settings of which nobody has asked yet whether they are in effect. */
export type UnaskedConf = Pick<ConfInEffect, 'nix' | 'wanted'>;

/**
 * Writes the settings for work that begins before {@link putConf}: its Nix processes let them have the last
 * word where NIX_CONFIG might win. Rejects with a {@link Failure} where nothing can be written.
 */
export async function putConfUnasked(
  conf: ConfLines,
  place: ConfPlace,
  settings: SetupSettings,
  { nix, more }: { nix: Nix; more: Variables },
): Promise<UnaskedConf> {
  const { host } = nix;
  const { env: found } = await writeConf(conf, place, host);
  const file = await confFile(place, host.env);
  const wanted = { settings, lines: await settingsIn(file), file };
  const env = { ...nix.env, ...more };
  if (!host.env.NIX_CONFIG) return { nix: { ...nix, env: { ...env, ...found } }, wanted };
  const line = await includeForJob(file, settings.temporaryDirectory);
  const NIX_CONFIG = `${env.NIX_CONFIG}\n${line}`;
  return { nix: { ...nix, env: { ...env, NIX_CONFIG } }, wanted };
}

/** The user's own nix.conf stays as it is, and Nix does not read ours by itself. */
const notFound = (advice: string, settings: SetupSettings): Difference => ({
  kind: 'lost',
  settings: [],
  sentence: 'Nix does not find the settings of this run yet.',
  next: advice,
  inputs: inputsThatAsk(settings),
});

function tellMended(differences: readonly Difference[], host: Host): void {
  for (const { kind, sentence } of differences) {
    if (kind !== 'lost') continue;
    const message = `${sentence} NIX_CONFIG has one more line from here on, so that they hold.`;
    notice(host, message);
  }
}
