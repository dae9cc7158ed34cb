import {
  type InputDefinition,
  lines,
  list,
  pairsAs,
  path,
  text,
  textAs,
  yesOrNo,
} from '../definition.ts';
import { readPlatform, readSize } from '../values.ts';

/** Which image is meant, how its flake is evaluated, and what of it is built. */
export const imageInputs = {
  flake: {
    reader: text,
    description:
      'The image to build, as a flake reference with an attribute. ' +
      'Without it `.#comfyui` is built, else `.#default`.',
    verbs: ['build', 'plan', 'why', 'audit'],
  },
  flakes: {
    reader: lines,
    description:
      'Images that `plan` tells of, by lines, as flake references with attributes; with `flake`, that one too.',
    verbs: ['plan'],
  },
  variants: {
    reader: list,
    description:
      'Targets of the flake whose images `plan` tells of, by names and globs (`comfyui-*`); `auto` means ' +
      'those whose recipe has the same name as that of `flake`. Each of `tags` gets the variant: where ' +
      '`{variant}` is, else behind it. See docs/matrix.md.',
    verbs: ['plan'],
  },
  'include-unchanged': {
    reader: yesOrNo,
    description: 'Whether the matrix of `plan` has images that are up to date, too.',
    default: 'false',
    verbs: ['plan'],
  },
  layer: {
    reader: text,
    description:
      'The layer of which `why` tells how it comes to be made anew; without it all of them.',
    verbs: ['why'],
  },
  source: {
    reader: text,
    description:
      'The image to copy: a reference, `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE` (with ' +
      '`:NAME` behind it where it holds several images), or a path that Nix has built: the result of streamLayeredImage, buildLayeredImage, buildImage, ' +
      'nix2container, or any program that writes a docker-archive.',
    verbs: ['copy'],
  },
  platform: {
    reader: textAs(readPlatform),
    description:
      'Which image of an index is copied, as `linux/arm64` or `linux/arm/v7`. ' +
      'Without it that for Linux on the processor of this machine.',
    verbs: ['copy'],
  },
  all: {
    reader: yesOrNo,
    description:
      'Whether all that the source has is copied as it is: the index with the images of all platforms, ' +
      'attestations, and what refers to them (signatures, SBOMs).',
    default: 'false',
    verbs: ['copy'],
  },
  layers: {
    reader: list,
    description:
      'Names of the layers to build and time; all of them when empty. ' +
      'It never changes what the image holds.',
    verbs: ['build'],
  },
  'all-targets': {
    reader: yesOrNo,
    description: 'Whether targets that no layer ships (downloads, for one) are built as well.',
    default: 'false',
    verbs: ['build'],
  },
  'override-inputs': {
    reader: pairsAs(entries => entries.map(([input, flake]) => ({ input, flake }))),
    description: 'Inputs of the flake to replace, as lines `name=flake-reference`.',
    verbs: ['build', 'plan', 'why', 'audit'],
  },
  'accept-flake-config': {
    reader: yesOrNo,
    description:
      "Whether the flake's `nixConfig` is accepted. It can run code as root: say so only for " +
      'flakes that you trust.',
    default: 'false',
    verbs: ['build', 'plan', 'why', 'audit'],
  },
  'working-directory': {
    reader: path,
    description:
      'The folder from which flake references, images and records on this machine, `wheels` and `lock` are meant.',
    default: '.',
    verbs: ['build', 'plan', 'why', 'prefetch', 'audit', 'report', 'copy'],
  },
  'max-layer-size': {
    reader: textAs(readSize),
    description:
      'The most that a blob holds (uncompressed: bytes, or with `KiB`, `MiB`, `GiB`), a larger single ' +
      'store path excepted. Layers of more than a quarter of it are split, so that they are pulled ' +
      'in parallel and a changed package moves few bytes.',
    default: '1GiB',
    verbs: ['build', 'plan', 'why'],
  },
} as const satisfies Record<string, InputDefinition>;
