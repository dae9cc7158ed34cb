import { originOfImage } from '../../src/commands/build/image-origin.ts';
import { imageOf, putImage } from '../../src/commands/push.ts';
import { imageConfig } from '../../src/image/config.ts';
import { mediaTypes } from '../../src/image/types.ts';
import type { BuildSettings } from '../../src/inputs/settings.ts';
import type { FlakeSource } from '../../src/nix/flake-source.ts';
import { memoryPlace } from '../../src/registry/memory/place.ts';
import type { ImageStore } from '../../src/registry/store.ts';
import { layerOf, noise } from './blobs.ts';
import { quietHost } from './host.ts';

export const revision = 'org.opencontainers.image.revision';
const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;
export const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
export const memoryTag = `cache-comfyui-cu130-${architecture}`;

/** A commit of a whole repository, whose flake lies at its root. */
export const source: FlakeSource = {
  commit: 'c1',
  tree: 't1',
  root: '/r',
  folder: '',
  isPlain: true,
  isShallow: false,
};

/** What is put and remembered. */
export interface CommitImage {
  /** Those of the run that made it. */
  settings: BuildSettings;
  source: FlakeSource;
  /** How many, of 2,000 bytes each. */
  layers?: number;
  entrypoint?: string;
  /** What its config says that it runs on. */
  runsOn?: string;
}

/** Puts an image into a repository as that of a commit, tagged cu130, and remembers it as a run does. */
export async function pushCommit(
  store: ImageStore,
  { settings, source, layers = 3, entrypoint = 'comfyui', runsOn = architecture }: CommitImage,
) {
  const blobs = await Promise.all(
    Array.from({ length: layers }, async (_, at) => {
      const blob = { ...(await store.putBlob(layerOf(noise(2000, at)))), name: `layer${at}` };
      const mediaType = mediaTypes.layer.zstd;
      return { ...blob, mediaType, key: blob.diffId, paths: [], transfer: 'uploaded' as const };
    }),
  );
  const created = '1970-01-01T00:00:01Z';
  const config = { Entrypoint: [entrypoint] };
  const bytes = imageConfig({
    ...{ config, labels: {}, created, architecture: runsOn, layers: blobs },
  });
  const image = imageOf(bytes, blobs, { [revision]: source.commit });
  await putImage(store, image);
  await store.putTag('cu130', image.manifest);
  const manifest = JSON.parse(image.manifest.bytes.toString());
  const evaluated = {
    ...{ installable: '.#comfyui', system, locked: true, imageTag: undefined },
    recipe: { tag: 'cu130', created },
  };
  const { digest, size } = manifest.config;
  const learnt = {
    ...originOfImage(evaluated, settings, {}, { source }),
    ...{ digest: image.manifest.digest, config: { digest, size } },
  };
  const place = memoryPlace(store, memoryTag, {
    ...{ storeDir: '/nix/store', architecture, host: quietHost(), sleep: async () => undefined },
  });
  await place.write({ image: { ...learnt, blobs, outputs: [], roots: [] }, isNews: true });
  return { manifest, digest: image.manifest.digest };
}
