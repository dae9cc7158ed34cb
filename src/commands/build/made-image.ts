import { availableParallelism } from 'node:os';
import { inPhase } from '../../host/phase.ts';
import { warn } from '../../host/say.ts';
import { stoppable } from '../../host/stoppable.ts';
import { framePool } from '../../image/frames.ts';
import { linuxOn } from '../../image/oci/choose.ts';
import { openSource } from '../../image/sources/detect.ts';
import { filesOfOutput } from '../../image/sources/source-files.ts';
import { mediaTypes } from '../../image/types.ts';
import { presenceIn } from '../../registry/reuse.ts';
import { knownImage } from '../known-image.ts';
import { sendImage } from '../send-image.ts';
import { sourceStore } from '../source-store.ts';
import { moveTags } from '../tags.ts';
import { whileSending } from '../transfers.ts';
import { type ImageContext, madeAt, rememberOnce, startLearning, variantOf } from './context.ts';
import { compareWithRemembered } from './image.ts';
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
  const known = await knownImage(image, annotations, destination.store, context.knowledge, host);
  host.emit({
    type: 'plan',
    layers: [{ name, reused: known !== undefined, shipped: true }],
    at: host.clock(),
  });
  if (!known) return sendMadeImage(context);
  state.made.set(name, { name, target, origin: 'reused', blobs: known.blobs });
  const lessons = startLearning(context);
  for (const blob of known.blobs) lessons.blob(blob);
  const { manifest } = known;
  lessons.image(manifest.digest, image);
  const remembering = rememberOnce(lessons, context);
  try {
    await inPhase(host, 'finish', () =>
      Promise.all([
        remembering(manifest),
        moveTags(destination.store, destination.tags, manifest, host),
      ]),
    );
    state.manifest = manifest;
  } finally {
    await remembering();
  }
}

async function sendMadeImage(context: ImageContext): Promise<void> {
  const { settings, state, destination, evaluation, knowledge, nix } = context;
  const { target } = evaluation;
  const { name } = target;
  const { store, tags } = destination;
  const lessons = startLearning(context);
  const remembering = rememberOnce(lessons, context);
  const { host, stop } = stoppable(state.host);
  try {
    const sent = await whileRealising([target], context, host, async realisation => {
      await realisation.have(target);
      const origin = realisation.originOf(target);
      host.emit({ type: 'layer-realised', layer: name, origin, at: host.clock() });
      const compression = store.takes(mediaTypes.layer.zstd) ? settings.compression : 'none';
      const files = await filesOfOutput(target.outPath, await sourceStore({ ...nix, host }));
      const image = await openSource(files, {
        packing: { compression, pool: framePool(availableParallelism()) },
        now: () => madeAt(context),
        runPrograms: !settings.fromFork,
        env: { ...host.env, ...nix.env },
        signal: host.signal,
        platform: linuxOn(context.architecture),
      });
      try {
        const { labels, annotations } = settings;
        const presence = presenceIn(store, knowledge, message => warn(host, message));
        const work = { store, knowledge, presence, layer: name, labels, annotations };
        return await whileSending(store, { host, stop }, async transfers => {
          const result = await inPhase(host, 'push', () =>
            sendImage(image, {
              ...work,
              transfers,
              done: lessons.blob,
              ...(state.run === undefined ? {} : { run: state.run }),
            }),
          );
          const blobs = result.blobs.map((blob, at) => {
            return { ...blob, paths: image.layers[at]?.storePaths ?? blob.paths };
          });
          const made = { name, target, origin, blobs };
          state.made.set(name, made);
          await compareWithRemembered([made], context);
          host.emit({ type: 'layer-end', layer: name, at: host.clock() });
          return result;
        });
      } finally {
        await image.close();
      }
    });
    await inPhase(host, 'finish', async () => {
      await state.caches?.beforeTags();
      const { manifest } = sent;
      lessons.image(manifest.digest, { outPath: target.outPath, variant: variantOf(context) });
      await Promise.all([remembering(manifest), moveTags(store, tags, manifest, host)]);
    });
    state.manifest = sent.manifest;
  } finally {
    await remembering();
  }
}
