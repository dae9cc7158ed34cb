import { availableParallelism } from 'node:os';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { warn } from '../../host/say.ts';
import { inSpan } from '../../host/span.ts';
import { stoppable } from '../../host/stoppable.ts';
import { framePool } from '../../image/frames.ts';
import { linuxOn } from '../../image/oci/choose.ts';
import { openSource } from '../../image/sources/detect.ts';
import { filesOfOutput } from '../../image/sources/source-files.ts';
import type { SourceImage } from '../../image/sources/source-image.ts';
import { mediaTypes } from '../../image/types.ts';
import { presenceIn } from '../../registry/reuse.ts';
import { knownImage } from '../known-image.ts';
import { putImage, type SentImage } from '../push.ts';
import { type SendWork, sendLayers } from '../send-image.ts';
import { sourceStore } from '../source-store.ts';
import { type Transfers, whileSending } from '../transfers.ts';
import { type ImageContext, madeAt, pushBuilt, variantOf } from './context.ts';
import { startForetelling } from './forecast/foretell.ts';
import { beginKeeping, compareWithRemembered } from './image.ts';
import type { Lessons } from './lessons.ts';
import { whileRealising } from './realisation.ts';

/**
 * Publishes a target that is an image by itself, made by another tool. The same output path as before
 * means that only tags move, and nothing is realised; else its layers are sent as that tool has
 * them, those that are known by their diffID excepted.
 */
export async function publishMadeImage(context: ImageContext): Promise<void> {
  const { state, destination, evaluation } = context;
  const { host } = state;
  const { target } = evaluation;
  const { name, outPath } = target;
  const image = { outPath, variant: variantOf(context) };
  const { annotations } = context.settings;
  const known = await inSpan(host, { kind: 'plan' }, () =>
    knownImage(image, { ...context, ...destination, annotations, host }),
  );
  host.emit({
    type: 'plan',
    layers: [{ name, reused: known !== undefined, shipped: true }],
    at: host.clock(),
  });
  if (known) state.made.set(name, { name, target, origin: 'reused', blobs: known.blobs });
  await pushBuilt(context, async lessons => {
    if (!known) return { ...(await sendMadeImage(context, lessons)), target: image };
    for (const blob of known.blobs) lessons.blob(blob);
    return known.sent;
  });
}

/** Sends the layers of the image that the target is, once it is realised. */
async function sendMadeImage(context: ImageContext, lessons: Lessons): Promise<SentImage> {
  const { state, evaluation, destination } = context;
  const { target } = evaluation;
  const { host, stop } = stoppable(state.host);
  const plan = { needed: [target], reused: new Set<string>(), blobs: new Map() };
  beginKeeping(context);
  const foreteller = startForetelling(context, plan);
  return whileRealising([target], { ...context, foreteller }, host, async realisation => {
    await realisation.have(target);
    const origin = realisation.originOf(target);
    host.emit({ type: 'layer-realised', layer: target.name, origin, at: host.clock() });
    const source = await inSpan(host, { kind: 'store' }, () => openMade(context, host));
    try {
      const { blobs, image } = await whileSending(destination.store, { host, stop }, transfers =>
        inPhase(host, 'push', () => sendLayers(source, sendWork(context, lessons, transfers))),
      );
      const held = blobs.map((blob, at) => {
        return { ...blob, paths: source.layers[at]?.storePaths ?? blob.paths };
      });
      const made = { name: target.name, target, origin, blobs: held };
      state.made.set(target.name, made);
      await compareWithRemembered([made], context);
      host.emit({ type: 'layer-end', layer: target.name, at: host.clock() });
      return { manifest: image.manifest, put: () => putImage(destination.store, image) };
    } finally {
      await source.close();
    }
  });
}

async function openMade(context: ImageContext, host: Host): Promise<SourceImage> {
  const { settings, destination, evaluation, nix, architecture } = context;
  const compression = destination.store.takes(mediaTypes.layer.zstd)
    ? settings.compression
    : 'none';
  const store = await sourceStore({ ...nix, host });
  return openSource(await filesOfOutput(evaluation.target.outPath, store), {
    packing: { compression, pool: framePool(availableParallelism()) },
    now: () => madeAt(context),
    runPrograms: !settings.fromFork,
    env: { ...host.env, ...nix.env },
    signal: host.signal,
    platform: linuxOn(architecture),
  });
}

function sendWork(context: ImageContext, lessons: Lessons, transfers: Transfers): SendWork {
  const { settings, state, destination, evaluation, knowledge } = context;
  const { store } = destination;
  return {
    ...{ store, transfers, knowledge, layer: evaluation.target.name, done: lessons.blob },
    presence: presenceIn(store, knowledge, message => warn(state.host, message)),
    labels: settings.labels,
    annotations: settings.annotations,
    ...(state.run === undefined ? {} : { run: state.run }),
  };
}
