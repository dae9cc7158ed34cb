import { entriesBlobSource, packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { bytesOf } from '../frames.ts';
import { streamedKey } from '../keys.ts';
import { storeEntries } from '../store-tree.ts';
import { pythonDialect, type TarDialect } from '../tar-header.ts';
import { dockerArchiveFile } from './docker-archive.ts';
import { fileBytes, fileSize, readSmallFile } from './file-bytes.ts';
import { parseInOrder, pythonJson, pythonList } from './python-json.ts';
import {
  checkedSource,
  isRecord,
  isStrings,
  malformed,
  type SourceImage,
  type SourceLayer,
} from './source-image.ts';

/** conf.json of nixpkgs' streamLayeredImage, as far as it is used here. */
interface LayeredConf {
  architecture: string;
  os: string;
  variant?: string;
  config: Record<string, unknown>;
  store_dir: string;
  from_image: string | null;
  store_layers: string[][];
  customisation_layer: string;
  repo_tag: string;
  created: string;
  mtime: string;
  uid: string | number;
  gid: string | number;
  uname: string;
  gname: string;
}

/** The conf.json that the wrapper script of a streamLayeredImage passes to its streamer. */
export function findLayeredConf(script: string): string | undefined {
  return /\/\S*?\/[0-9a-z]{32}-[-+.?=\w]*-conf\.json\b/.exec(script)?.[0];
}

/**
 * The image that the script of a streamLayeredImage would write, without running it: the same
 * diffIDs and the same config.
 *
 * @param now seconds since the epoch, taken where the image says "now" (SOURCE_DATE_EPOCH, else the
 * flake's lastModified)
 */
export async function streamLayeredImage(
  confFile: string,
  packing: Packing,
  now: () => Promise<number>,
): Promise<SourceImage> {
  const conf = parseConf((await readSmallFile(confFile)).toString(), confFile);
  const base = conf.from_image ? await dockerArchiveFile(conf.from_image, packing) : undefined;
  const owner = {
    uid: Number(conf.uid),
    gid: Number(conf.gid),
    uname: conf.uname,
    gname: conf.gname,
  };
  const dialect = {
    ...pythonDialect,
    ...owner,
    mtime: (await moment(conf.mtime, now, confFile)).seconds,
  };
  const storeLayers = conf.store_layers.map((paths, index) =>
    storeLayer(paths, `layer ${index + 1}`, conf.store_dir, dialect, packing),
  );
  const layers: SourceLayer[] = [
    ...(base?.layers ?? []),
    ...storeLayers,
    await customisationLayer(conf.customisation_layer, packing),
  ];
  const created = (await moment(conf.created, now, confFile)).text;
  const config = mergedConfig(conf.config, base);
  return {
    description: `streamLayeredImage ${confFile}`,
    layers,
    repoTags: [conf.repo_tag],
    sequential: base?.sequential ?? false,
    close: async () => base?.close(),
    config: diffIds => configBytes(conf, config, created, layers, diffIds),
  };
}

function parseConf(text: string, name: string): LayeredConf {
  let value: unknown;
  try {
    value = parseInOrder(text);
  } catch {
    throw malformed(name, 'it is no JSON');
  }
  if (!isRecord(value)) throw malformed(name, 'it is no object');
  const texts = ['architecture', 'customisation_layer', 'repo_tag', 'created'];
  for (const key of texts) {
    if (typeof value[key] !== 'string') throw malformed(name, `its ${key} is no text`);
  }
  if (!isRecord(value.config)) throw malformed(name, 'its config is no object');
  const layers = value.store_layers;
  if (!Array.isArray(layers) || !layers.every(isStrings)) {
    throw malformed(name, 'its store_layers is no list of lists of store paths');
  }
  // older nixpkgs have neither owner nor time of their own
  const defaults = {
    os: 'linux',
    store_dir: '/nix/store',
    uid: 0,
    gid: 0,
    uname: 'root',
    gname: 'root',
  };
  return { ...defaults, mtime: value.created, ...value } as unknown as LayeredConf;
}

function storeLayer(
  paths: string[],
  name: string,
  storeDir: string,
  dialect: TarDialect,
  packing: Packing,
): SourceLayer {
  const outside = paths.find(path => !path.startsWith(storeDir));
  if (outside) throw malformed(name, `${outside} is not in ${storeDir}`);
  return {
    name,
    source: entriesBlobSource(() => storeEntries(paths, dialect), packing, dialect),
    storePaths: paths,
    key: streamedKey(paths, dialect),
  };
}

/** A folder with a ready `layer.tar` and its `checksum`. */
async function customisationLayer(folder: string, packing: Packing): Promise<SourceLayer> {
  const checksum = (await readSmallFile(`${folder}/checksum`)).toString().trim();
  if (!/^[0-9a-f]{64}$/.test(checksum)) {
    throw malformed(`${folder}/checksum`, 'it holds no sha256');
  }
  const file = `${folder}/layer.tar`;
  const known = { diffId: `sha256:${checksum}`, uncompressedSize: await fileSize(file) };
  const source = packedBlobSource(() => bytesOf(fileBytes(file)), packing, known);
  return { name: 'customisation', source: checkedSource(source, file), storePaths: [folder] };
}

/**
 * The config with the base's Env before its own; the last of a name wins, in the first one's place.
 */
function mergedConfig(config: Record<string, unknown>, base: SourceImage | undefined) {
  if (!base) return config;
  const baseImage = parseInOrder(
    base.config(base.layers.map(({ source }) => source.diffId ?? '')).toString(),
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

const isoTime =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?$/;

/** A time as Python's `datetime` reads it, and as its `isoformat` writes it. */
async function moment(
  text: string,
  now: () => Promise<number>,
  name: string,
): Promise<{ seconds: number; text: string }> {
  if (text === 'now') {
    const seconds = await now();
    return { seconds, text: new Date(seconds * 1000).toISOString().replace('.000Z', '+00:00') };
  }
  const [, day, clock, fraction = '', zone = 'Z'] = isoTime.exec(text) ?? [];
  const milliseconds = Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(milliseconds)) throw malformed(name, `"${text}" is no time`);
  const full = clock?.length === 5 ? `${clock}:00` : clock;
  const micros = /[1-9]/.test(fraction) ? `.${fraction.padEnd(6, '0')}` : '';
  const offset = zone === 'Z' ? '+00:00' : zone.replace(/^(...)(\d\d)$/, '$1:$2');
  return { seconds: Math.floor(milliseconds / 1000), text: `${day}T${full}${micros}${offset}` };
}
