import { sourceDateEpoch } from '../../host/epoch.ts';
import { explain } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import { readManifest } from '../../image/oci/documents.ts';
import { mediaTypes } from '../../image/types.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Closure } from '../../nix/closures.ts';
import { flakeLastModified } from '../../nix/flake.ts';
import type { Evaluation, Nix, Recipe } from '../../nix/types.ts';
import { recordText } from '../../record/text.ts';
import type { BuildRecord } from '../../record/types.ts';
import { rowsOfStore } from '../../registry/memory/rows.ts';
import type { RememberedImage } from '../../registry/remembered.ts';
import type { StoredManifest } from '../../registry/store.ts';
import { type FinishedImage, type Push, push, type SentImage } from '../push.ts';
import type { Destination } from './destination.ts';
import { originOfImage } from './image-origin.ts';
import { type Lessons, startLessons } from './lessons.ts';
import { outcomeOf } from './outcome.ts';
import type { Recollection } from './recall.ts';
import { refusal } from './run-limits.ts';
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
  here?: ReadonlyMap<string, Closure> | undefined;
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

/** Lessons of this run, which knows by its store or by memories what refers to what. */
export function startLearning({ state, knowledge, evaluation, settings }: ImageContext): Lessons {
  const ofStore = rowsOfStore(state.closures.referencesOf, state.closures.sizeOf);
  return startLessons({
    rowOf: outPath => ofStore(outPath) ?? knowledge.rowOf(outPath),
    origin: () => originOfImage(evaluation, settings, state.host.env, state.seen),
  });
}

/** Writes the memory, with the record of a run that has built or sent something, or made a new image. */
async function remember(
  lessons: Lessons,
  context: ImageContext,
  finished?: FinishedImage,
  error?: unknown,
): Promise<void> {
  const { settings, state, own } = context;
  const { manifest, target, put, current = [] } = finished ?? {};
  const learnt = lessons.soFar();
  if (!settings.writeMemory || learnt === undefined || own === undefined) return;
  const whole = { ...(manifest ? named(manifest) : {}), ...(target ? { target } : {}) };
  const movingTags = context.destination.tags.filter(tag => !current.includes(tag));
  const made = manifest ? { manifest, movingTags } : {};
  const recordNow = () => outcomeOf({ ...state, ...made }, settings, error).record;
  const { sentBytes, layers } = recordNow();
  const isNews = sentBytes > 0 || layers.some(({ origin }) => origin === 'built');
  // what was reused keeps the times that earlier runs have told
  if (isNews) await state.earlier;
  const record = recordNow();
  const told = toldOfRecord(record, learnt);
  const lesson = { image: { ...whole, ...learnt }, isNews };
  const kept = record.image?.digest === undefined ? undefined : await state.kept;
  const { writeKept } = await import('../../why/document.ts');
  const derivations = kept && { text: writeKept(kept), ...told };
  await own.write(
    {
      ...lesson,
      record: { text: recordText(record), ...told },
      ...(derivations ? { derivations } : {}),
    },
    put,
  );
}

/** What the memory says of a record. */
function toldOfRecord(
  { outcome, run, image }: BuildRecord,
  { branch, attribute }: Pick<RememberedImage, 'branch' | 'attribute'>,
) {
  const digest = outcome === 'success' ? image?.digest : undefined;
  return {
    ...(run ? { run } : {}),
    ...(branch ? { branch } : {}),
    ...(attribute ? { attribute } : {}),
    ...(digest ? { image: digest } : {}),
  };
}

/** By which digest an image is found again, and its config. */
function named({ bytes, digest }: StoredManifest) {
  const { config } = readManifest(bytes, digest);
  return { digest, config: { digest: config.digest, size: config.size } };
}

/**
 * Pushes the image of a build, and remembers it.
 * @param send brings the blobs into the store; what it learns from them is remembered even if it fails
 */
export async function pushBuilt(
  context: ImageContext,
  send: (lessons: Lessons) => Promise<SentImage>,
): Promise<void> {
  const { destination, state } = context;
  const { store, tags, cacheTag } = destination;
  const { host } = state;
  const lessons = startLearning(context);
  const loss = `What this run made could not be remembered at ${store.repository}:${cacheTag}`;
  const where: Push = {
    ...{ store, tags, host },
    beforeTags: async manifest => {
      await checkLimits(context, manifest);
      await state.caches?.beforeTags();
    },
    remember: (finished, error) => remember(lessons, context, finished, error),
    notRemembered: error => warn(host, `${loss}: ${explain(error)}`),
  };
  state.manifest = await push(where, () => send(lessons));
}

/** An image that breaks a limit gets no tag, where that is wanted. */
async function checkLimits(
  { settings, state }: ImageContext,
  manifest: StoredManifest,
): Promise<void> {
  if (settings.limits.length === 0 || settings.limitsMode === 'warn') return;
  await state.earlier;
  const { record } = outcomeOf({ ...state, manifest }, settings);
  const failure = refusal(record);
  if (failure === undefined) return;
  if (record.limits) state.limits = record.limits;
  throw failure;
}

/** The part of an {@link ImageContext} that decides an image's bytes. */
interface VariantContext {
  settings: Pick<BuildSettings, 'compression' | 'labels' | 'annotations'>;
  state: { host: Pick<Host, 'env'> };
}

/**
 * What else than the output the image's bytes depend on. Of annotations their names: an image keeps those
 * of its own, and the texts of these are put anew each time.
 */
export function variantOf({ settings, state }: VariantContext): string {
  const { compression, labels, annotations } = settings;
  const sorted = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  const named = Object.keys(annotations).sort();
  const epoch = sourceDateEpoch(state.host.env);
  return JSON.stringify([mediaTypes.layer[compression], sorted, epoch, named]);
}
