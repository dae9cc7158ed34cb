import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { decompressAny } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { platformIn } from '../oci/documents.ts';
import { type ByteString, toByteString, toText } from '../tar-header.ts';
import { type Archive, type ArchiveIndex, followLinks, normal, type Place } from './archive.ts';
import {
  checkedSource,
  checkLayerCount,
  checkShape,
  diffIdsOf,
  fixedConfig,
  malformed,
  parseJson,
  repoTagSchema,
  type SourceImage,
} from './source-image.ts';

/** Whether an archive is described as `docker save` does it. */
export const isDockerArchive = ({ index: { places, links } }: Archive): boolean =>
  places.has('manifest.json') || links.has('manifest.json');

/**
 * An image of a docker archive (`docker save`, dockerTools' `buildImage` and `buildLayeredImage`).
 *
 * @param reference one of the image's names, or its tag; not needed where there is only one image
 */
export function dockerArchive(
  archive: Archive,
  packing: Packing,
  reference: string | undefined,
): SourceImage {
  const { image, layers } = describe(archive, reference);
  return {
    ...image,
    layers: layers.map(found => layer(found, archive, packing)),
    sequential: archive.sequential,
    close: archive.close,
  };
}

interface FoundLayer {
  file: ByteString;
  diffId: string;
  place: Place;
}

function layer({ file, diffId, place }: FoundLayer, archive: Archive, packing: Packing) {
  const name = `${toText(file)} in ${archive.name}`;
  const open = () => bytesOf(decompressAny(archive.content(file), name, archive.env));
  const known = place.compressed ? { diffId } : { diffId, uncompressedSize: place.size };
  return {
    name: toText(file),
    source: checkedSource(packedBlobSource(open, packing, known), name),
  };
}

/** What manifest.json and the config say. */
function describe({ index, name }: Archive, reference: string | undefined) {
  const manifest = manifestOf(index, name, reference);
  checkLayerCount(manifest.Layers.length, {
    ...{ name, field: 'Layers of manifest.json' },
    next: 'Make the image of fewer layers: dockerTools takes maxLayers.',
  });
  const configName = followLinks(manifest.Config, index, name);
  const config = index.descriptions.get(configName);
  if (!config) throw lacks(index, name, 'config', configName);
  const described = `${toText(configName)} in ${name}`;
  const diffIds = diffIdsOf(parseJson(config.toString(), described), described);
  if (diffIds.length !== manifest.Layers.length) {
    throw malformed(
      name,
      `it lists ${manifest.Layers.length} layers and ${diffIds.length} diffIDs`,
    );
  }
  const layers = manifest.Layers.map((listed, at): FoundLayer => {
    const file = followLinks(listed, index, name);
    const place = index.places.get(file);
    if (!place) throw lacks(index, name, 'layer', listed);
    return { file, diffId: diffIds[at] ?? '', place };
  });
  const image = {
    description: `docker archive ${name}`,
    repoTags: manifest.RepoTags,
    config: fixedConfig(config, diffIds, name),
    platform: platformIn(config),
  };
  return { image, layers };
}

function lacks({ places }: ArchiveIndex, archive: string, what: string, file: ByteString) {
  const why = places.has(file) ? `is no JSON of at most ${limits.document >> 20} MB` : 'is missing';
  return malformed(archive, `its ${what} ${visible(toText(file))} ${why}`);
}

const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.archiveName));

/** manifest.json (Docker's image specification 1.2): a list of images. */
const manifestSchema = v.array(
  v.object({
    Config: nameSchema,
    Layers: v.pipe(v.array(nameSchema), v.maxLength(limits.sourceLayers)),
    RepoTags: v.nullish(v.array(v.unknown())),
  }),
);

function manifestOf(index: ArchiveIndex, name: string, reference: string | undefined) {
  const file = followLinks('manifest.json', index, name);
  const bytes = index.descriptions.get(file);
  if (!bytes && !index.places.has(file)) throw malformed(name, 'there is no manifest.json in it');
  if (!bytes) throw lacks(index, name, 'description', file);
  const described = `manifest.json in ${name}`;
  const images = checkShape(manifestSchema, parseJson(bytes.toString(), described), described);
  const image = chooseImage(images, reference, name);
  return {
    Config: normal(toByteString(image.Config)),
    Layers: image.Layers.map(layer => normal(toByteString(layer))),
    RepoTags: namesOf(image).map(tag => {
      if (v.is(repoTagSchema, tag)) return tag;
      throw malformed(name, `its tag ${visible(tag)} is no name of an image`);
    }),
  };
}

type DescribedImage = v.InferOutput<typeof manifestSchema>[number];

const namesOf = ({ RepoTags }: DescribedImage): string[] =>
  (RepoTags ?? []).filter(tag => typeof tag === 'string');

function chooseImage(
  images: readonly DescribedImage[],
  reference: string | undefined,
  name: string,
): DescribedImage {
  if (images.length === 0) throw malformed(name, 'its manifest.json names no image');
  const isMeant = (its: string) =>
    its === reference || its.endsWith(`:${reference}`) || its.endsWith(`/${reference}`);
  const meant =
    reference === undefined ? images : images.filter(image => namesOf(image).some(isMeant));
  const [image] = meant;
  if (image && meant.length === 1) return image;
  const names = images.flatMap(namesOf).slice(0, shownNames).map(visible);
  throw new Failure(
    reference === undefined || meant.length > 1
      ? `The archive ${visible(name)} holds ${meant.length} images, and nothing says which is meant.`
      : `The archive ${visible(name)} holds no image called ${visible(reference)}.`,
    {
      ...(names.length > 0 ? { tried: `It holds ${names.join(', ')}.` } : {}),
      next: 'Name one as docker-archive:FILE:NAME, or make an archive of one image alone.',
    },
  );
}

/** As many names as help in a message. */
const shownNames = 20;
