import { sourceDateEpoch } from '../../host/epoch.ts';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Closure } from '../../nix/closures.ts';
import { flakeLastModified } from '../../nix/flake.ts';
import type { Evaluation, Nix, Recipe } from '../../nix/types.ts';
import { writeMemory } from '../../registry/memory.ts';
import type { Destination } from './destination.ts';
import type { Lessons } from './lessons.ts';
import type { Recollection } from './recall.ts';
import type { BuildState } from './state.ts';

/** All that is settled when the image begins to be made. */
export interface ImageContext extends Recollection {
  settings: BuildSettings;
  state: BuildState;
  nix: Nix;
  evaluation: Evaluation;
  /** OCI's name. */
  architecture: string;
  destination: Destination;
  /** Those of the outputs of the image that the store had when it was asked, with their closures. */
  here?: ReadonlyMap<string, Closure>;
}

/** The same for an image that has a recipe. */
export interface RecipeContext extends ImageContext {
  recipe: Recipe;
}

/** What "now" is in an image: SOURCE_DATE_EPOCH, else the flake's last change; in seconds. */
export async function madeAt({ nix, state, evaluation, settings }: ImageContext): Promise<number> {
  const given = sourceDateEpoch(state.host.env);
  const { installable } = evaluation;
  const { overrideInputs, workingDirectory: cwd } = settings;
  return given ?? flakeLastModified(nix, { installable, overrideInputs, cwd });
}

/** Writes the memory; a failure of that costs the next run time, and this one only a warning. */
export async function remember(lessons: Lessons, context: ImageContext): Promise<void> {
  const { settings, destination, architecture, nix, state, own } = context;
  const learnt = lessons.soFar();
  const { cacheTag, store } = destination;
  if (!settings.writeMemory || learnt === undefined || cacheTag === undefined) return;
  try {
    await writeMemory(store, cacheTag, learnt, own, { storeDir: nix.storeDir, architecture });
  } catch (error) {
    const message = `What this run made could not be remembered at ${store.repository}:${cacheTag}: ${explain(error)}`;
    warn(state.host, message);
  }
}

/** The part of an {@link ImageContext} that decides an image's bytes. */
interface VariantContext {
  settings: Pick<BuildSettings, 'compression' | 'labels'>;
  state: { host: Pick<Host, 'env'> };
}

/** What else than the output the image's bytes depend on. */
export function variantOf({ settings, state }: VariantContext): string {
  const { compression, labels } = settings;
  const sorted = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([mediaTypes.layer[compression], sorted, sourceDateEpoch(state.host.env)]);
}
