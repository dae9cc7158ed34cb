import type { Compression } from '../../image/types.ts';
import { readAnnotations } from '../annotations.ts';
import {
  choice,
  type InputDefinition,
  linesAs,
  listAs,
  pairs,
  pairsAs,
  text,
  textAs,
  yesOrNo,
} from '../definition.ts';
import {
  checkTag,
  readCacheReferences,
  readImage,
  readRegistries,
  readTags,
} from '../references.ts';

const compressions = ['zstd', 'gzip', 'none'] as const satisfies readonly Compression[];

/** Where an image goes, what it is called there, and what is remembered. */
export const registryInputs = {
  image: {
    reader: textAs(readImage),
    description:
      'Where the image goes: a registry repository (`ghcr.io/owner/name`), `oci:DIR` (an OCI ' +
      'image layout), `docker-archive:FILE`, or `-` (a docker-archive on standard output). ' +
      'The action needs it in order to push; the command line writes `oci:NAME-image` without it.',
    verbs: ['build', 'plan', 'why'],
  },
  destination: {
    reader: text,
    description:
      'Where `copy` puts it: a reference with or without a tag, `oci:DIR`, `docker-archive:FILE`, ' +
      'or `-` (a docker-archive on standard output).',
    verbs: ['copy'],
  },
  tags: {
    reader: listAs(readTags),
    description:
      'Tags by lines or commas, bare (`cu130`) or as full references ' +
      '(`ghcr.io/owner/name:cu130`), which then also say the image. ' +
      'Without any the tag of the recipe is used.',
    verbs: ['build', 'plan', 'why', 'copy'],
  },
  labels: {
    reader: pairs,
    description:
      'Labels of the image, as lines `key=value`. They are part of the image config; ' +
      '`org.opencontainers.image.created` and `.revision`, which are others with each commit, become ' +
      'annotations.',
    verbs: ['build', 'plan', 'why'],
  },
  annotations: {
    reader: pairsAs(readAnnotations),
    description:
      'Annotations of the manifest, as lines `key=value`. The place for what changes per commit. ' +
      '`manifest:` before a key says the same; what is of an index or a descriptor alone (`index:`, ' +
      '`manifest-descriptor:`, `index-descriptor:`) is left out.',
    verbs: ['build'],
  },
  push: {
    reader: yesOrNo,
    description:
      'Whether the image is pushed. By default it is, except by pull requests. ' +
      'Code from a fork never pushes.',
    without: 'Push nothing: the image is built, and what would be pushed is told.',
    verbs: ['build', 'copy'],
  },
  'registry-username': {
    reader: text,
    description: "User name for the registry. Without it Docker's config.json is asked.",
    variable: true,
    verbs: ['build', 'plan', 'why', 'report', 'copy'],
  },
  'registry-password': {
    reader: text,
    description: 'Password or token for the registry.',
    secret: true,
    verbs: ['build', 'plan', 'why', 'report', 'copy'],
  },
  'insecure-registries': {
    reader: listAs(readRegistries),
    description:
      'Registries, as hosts with their ports (`registry:5000`), that are asked by HTTPS whatever ' +
      'their certificate is, and else by plain HTTP, logins included. `http://` before a reference ' +
      'means plain HTTP too, and sends no login.',
    verbs: ['build', 'plan', 'why', 'report', 'copy'],
  },
  'github-token': {
    reader: text,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's, not of ours
    workflowDefault: '${{ github.token }}',
    description:
      "Token for the container registry of the job's own GitHub (ghcr.io) where no other " +
      'credentials are given (the job needs `packages: write`), for flake inputs from that GitHub, ' +
      'and for its API, which `prefetch` asks. No other server gets it.',
    secret: true,
    verbs: ['build', 'plan', 'why', 'setup', 'prefetch', 'audit', 'report', 'copy'],
  },
  compression: {
    reader: choice(compressions),
    description:
      'How layers are compressed. zstd needs Docker 23, containerd 1.5 or podman 4 to be pulled, ' +
      'or newer ones; which clients want `gzip` or `none` is in docs/registries.md.',
    default: 'zstd',
    verbs: ['build', 'plan', 'why', 'copy'],
  },
  reuse: {
    reader: yesOrNo,
    description:
      'Whether layers that the registry remembers are reused. `false` builds everything again ' +
      'and says which layers differ.',
    without: 'Reuse no layer: everything is built again, and layers that differ are named.',
    default: 'true',
    verbs: ['build', 'plan', 'why'],
  },
  'cache-tag': {
    reader: textAs(checkTag),
    description:
      "The tag at which the image's repository keeps its memory. " +
      'Without it `cache-NAME-TAG-ARCHITECTURE` of the recipe; without a recipe ' +
      '`cache-NAME-latest-ARCHITECTURE` of the repository.',
    verbs: ['build', 'plan', 'why'],
  },
  'cache-from': {
    reader: linesAs(readCacheReferences),
    description:
      'More memories to learn from, one reference a line, also as `type=registry,ref=REFERENCE`.',
    verbs: ['build', 'plan', 'why'],
  },
} as const satisfies Record<string, InputDefinition>;
