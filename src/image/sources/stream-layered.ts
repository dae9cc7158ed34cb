import { isRecord } from '../../host/foreign-value.ts';
import { entriesBlobSource, packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { bytesOf } from '../frames.ts';
import { streamedKey } from '../keys.ts';
import type { Platform } from '../oci/choose.ts';
import { storeEntries } from '../store-tree.ts';
import { pythonDialect, type TarDialect } from '../tar-header.ts';
import type { Environment } from '../unpack-program.ts';
import { archiveFile } from './archive-image.ts';
import { fileBytes, fileSize, readDocument } from './file-bytes.ts';
import { type LayeredConf, readLayeredConf, readMoment } from './layered-conf.ts';
import { parseInOrder, pythonJson, pythonList } from './python-json.ts';
import type { SourceFiles } from './source-files.ts';
import {
  checkedSource,
  checkLayerCount,
  isStrings,
  malformed,
  parseJson,
  type SourceImage,
  type SourceLayer,
} from './source-image.ts';

/**
 * The image that the script of a streamLayeredImage would write, without running it: the same
 * diffIDs and the same config.
 *
 * @param now seconds since the epoch, taken where the image says "now" (SOURCE_DATE_EPOCH, else the
 * flake's lastModified)
 */
export async function streamLayeredImage(
  files: SourceFiles,
  confFile: string,
  packing: Packing,
  now: () => Promise<number>,
  env: Environment,
): Promise<SourceImage> {
  const conf = readLayeredConf((await readDocument(files, confFile)).toString(), confFile);
  checkNumber(conf, 0, confFile);
  const base = conf.from_image
    ? await archiveFile(files, conf.from_image, packing, { platform: platformOf(conf), env })
    : undefined;
  checkNumber(conf, base?.layers.length ?? 0, confFile);
  const created = await readMoment(conf.created, now, confFile);
  const { seconds: mtime } = await readMoment(conf.mtime ?? conf.created, now, confFile);
  const { uid, gid, uname, gname } = conf;
  const dialect = { ...pythonDialect, uid, gid, uname, gname, mtime };
  const storeLayers: SourceLayer[] = [];
  for (const [at, paths] of conf.store_layers.entries()) {
    storeLayers.push(await storeLayer(paths, `layer ${at + 1}`, files, dialect, packing));
  }
  const layers: SourceLayer[] = [
    ...(base?.layers ?? []),
    ...storeLayers,
    await customisationLayer(files, conf.customisation_layer, packing),
  ];
  const config = mergedConfig(conf.config, base, confFile);
  return {
    description: `streamLayeredImage ${confFile}`,
    layers,
    repoTags: [conf.repo_tag],
    sequential: base?.sequential ?? false,
    close: async () => base?.close(),
    config: diffIds => configBytes(conf, config, created.text, layers, diffIds),
  };
}

/** The customisation layer comes to those of the base and of store paths. */
const checkNumber = ({ store_layers }: LayeredConf, ofBase: number, name: string) =>
  checkLayerCount(ofBase + store_layers.length + 1, {
    name,
    field: ofBase > 0 ? 'from_image and store_layers' : 'store_layers',
    next: 'Lower maxLayers of streamLayeredImage: it counts the layers of fromImage, too.',
  });

const platformOf = ({ os, architecture }: LayeredConf): Platform => ({ os, architecture });

async function storeLayer(
  paths: string[],
  name: string,
  files: SourceFiles,
  dialect: TarDialect,
  packing: Packing,
): Promise<SourceLayer> {
  const places = await files.storePlaces(paths);
  return {
    name,
    source: entriesBlobSource(() => storeEntries(places, dialect), packing, dialect),
    storePaths: paths,
    key: streamedKey(paths, dialect),
  };
}

/** A folder with a ready `layer.tar` and its `checksum`. */
async function customisationLayer(
  files: SourceFiles,
  folder: string,
  packing: Packing,
): Promise<SourceLayer> {
  const checksum = (await readDocument(files, `${folder}/checksum`)).toString().trim();
  if (!/^[0-9a-f]{64}$/.test(checksum)) {
    throw malformed(`${folder}/checksum`, 'it holds no sha256');
  }
  const file = `${folder}/layer.tar`;
  const known = { diffId: `sha256:${checksum}`, uncompressedSize: await fileSize(files, file) };
  const source = packedBlobSource(() => bytesOf(fileBytes(files, file)), packing, known);
  return { name: 'customisation', source: checkedSource(source, file), storePaths: [folder] };
}

/**
 * The config with the base's Env before its own; the last of a name wins, in the first one's place.
 */
function mergedConfig(
  config: Record<string, unknown>,
  base: SourceImage | undefined,
  confFile: string,
) {
  if (!base) return config;
  const baseConfigBytes = base.config(base.layers.map(({ source }) => source.diffId ?? ''));
  const baseImage = parseJson(
    baseConfigBytes.toString(),
    `the base image of ${confFile}`,
    parseInOrder,
  );
  const baseConfig = isRecord(baseImage) ? baseImage.config : undefined;
  const variables = [...envOf(baseConfig), ...envOf(config)];
  if (variables.length === 0) return config;
  const byName = new Map(variables.map(variable => [variable.split('=', 1)[0], variable]));
  return { ...config, Env: [...byName.values()] };
}

const envOf = (config: unknown): string[] =>
  isRecord(config) && isStrings(config.Env) ? config.Env : [];

function configBytes(
  conf: LayeredConf,
  config: Record<string, unknown>,
  created: string,
  layers: readonly SourceLayer[],
  diffIds: readonly string[],
): Buffer {
  const history = layers.map(({ name, storePaths }) => ({
    created,
    comment: `store paths: ${pythonList(storePaths ?? [name])}`,
  }));
  const image = {
    created,
    architecture: conf.architecture,
    ...(conf.variant === undefined ? {} : { variant: conf.variant }),
    os: conf.os,
    config,
    rootfs: { diff_ids: diffIds, type: 'layers' },
    history,
  };
  return Buffer.from(pythonJson(image));
}
