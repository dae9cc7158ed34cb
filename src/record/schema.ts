import * as v from 'valibot';
import type { Origin, Phase, Transfer } from '../host/events.ts';
import { auditSchema } from './audit-schema.ts';
import { count, digest, seconds, text, textOrNull } from './fields.ts';

const blob = v.object({
  digest: digest('Of the bytes as stored.'),
  diffId: digest('Of the uncompressed tar.'),
  size: count('As stored.'),
  uncompressedSize: count('Of the uncompressed tar.'),
  mediaType: text('An OCI layer media type.'),
  transfer: v.pipe(
    v.picklist(['uploaded', 'present', 'mounted'] satisfies Transfer[]),
    v.description('What was done with it in this run.'),
  ),
});

const builtDerivation = v.object({
  derivation: text('Store path of the derivation.'),
  machine: text('The builder, as Nix names it; empty: this machine.'),
  seconds: seconds('From its start to its end.'),
});

const layer = v.object({
  name: text('Unique in its image.'),
  target: textOrNull(
    "The target's derivation; null for a layer of several targets, and for one that the program adds.",
  ),
  outPath: textOrNull("The target's output path; null as its derivation is."),
  origin: v.pipe(
    v.picklist(['built', 'substituted', 'local', 'reused', 'skipped'] satisfies Origin[]),
    v.description(
      "Where the target's own output came from; of several targets, where most had to be done.",
    ),
  ),
  targets: v.exactOptional(
    v.pipe(
      v.object({
        all: count('Targets of the layer.'),
        reused: count('Those of which nothing was had or sent.'),
      }),
      v.description('Of a layer of several targets that is part of the image.'),
    ),
  ),
  seconds: seconds('Union of the intervals in which something was done for this layer.'),
  builtDerivations: v.array(builtDerivation),
  substitutedPaths: v.array(text('A store path.')),
  downloadBytes: count('Downloaded by Nix for this layer.'),
  blobs: v.array(blob),
});

const phase = v.object({
  phase: v.picklist([
    'install',
    'evaluate',
    'remember',
    'realise',
    'push',
    'finish',
  ] satisfies Phase[]),
  start: seconds("From the run's start."),
  seconds: seconds('How long it took. Phases may overlap.'),
});

const image = v.object({
  repository: text('For example ghcr.io/owner/name, or oci:DIR.'),
  digest: v.exactOptional(digest("The manifest's; absent when nothing was pushed.")),
  tags: v.array(text('A tag that points at it.')),
  mediaType: text("The manifest's."),
  size: count('Of all layers as stored.'),
  uncompressedSize: count('Of all layers uncompressed.'),
});

const substituter = v.object({
  cache: text('Its address.'),
  paths: count('Store paths.'),
  narSize: count('Of the paths, unpacked.'),
});

const push = v.object({
  cache: text('Its Cachix name, or its address.'),
  pushed: count('Store paths.'),
  failed: count('Store paths.'),
  failures: v.pipe(
    v.array(v.object({ path: text('A store path.'), reason: text('Why it was not pushed.') })),
    v.description('The first of those that failed.'),
  ),
});

const restored = v.object({
  layer: text("The layer, or the flake's one target."),
  found: v.pipe(
    v.picklist(['hit', 'part', 'miss']),
    v.description('All that was built for it; for its predecessor, or some of it; nothing.'),
  ),
});

const leftOut = v.object({ cache: text('Its address.'), reason: text('Why it was left out.') });

/** No address among them has a login in it. */
const caches = v.object({
  substituters: v.pipe(v.array(substituter), v.description('What came from each substituter.')),
  pushes: v.pipe(v.array(push), v.description('What each cache that is pushed to has taken.')),
  github: v.pipe(
    v.array(restored),
    v.description("What GitHub's cache had for the targets that were missing."),
  ),
  leftOut: v.pipe(v.array(leftOut), v.description('Caches that were named and not used.')),
});

const fileSystem = v.object({
  folder: text('A folder on it.'),
  total: count('Its size.'),
  peak: count('The most that was in use.'),
  growth: count('How much more that was than at the start of the run.'),
});

const disk = v.object({
  fileSystems: v.array(fileSystem),
  reclaimed: v.array(text('What was removed to make room.')),
});

/**
 * The record of one run: all that a report, or a later comparison, needs. Its types (`types.ts`) and
 * `docs/record.schema.json` come from here.
 */
export const recordSchema = v.object({
  version: v.pipe(v.literal(1), v.description('Format of this document.')),
  outcome: v.picklist(['success', 'failure']),
  failure: v.exactOptional(text('The failure as people were shown it; absent on success.')),
  notPushed: v.exactOptional(
    text('Why nothing was pushed, where that was not the own wish of the user.'),
  ),
  notCached: v.exactOptional(
    text('Why no token was used and caches got nothing: the code was that of a fork.'),
  ),
  startedAt: text('RFC 3339.'),
  seconds: seconds('The whole run.'),
  program: text('Name and version of this program.'),
  nix: v.object({ version: text('Of Nix.'), system: text('For example x86_64-linux.') }),
  flake: text('What was built.'),
  image: v.exactOptional(
    v.pipe(image, v.description('Absent when the run ended before there was one.')),
  ),
  layers: v.pipe(v.array(layer), v.description("In the image's order, lowest first.")),
  phases: v.array(phase),
  sentBytes: count('Bytes of layers sent in this run.'),
  caches: v.exactOptional(
    v.pipe(
      caches,
      v.description('What caches gave and took; absent when the run ended before Nix was ready.'),
    ),
  ),
  disk: v.exactOptional(
    v.pipe(
      disk,
      v.description('What the run needed of the disk; absent when it was not measured.'),
    ),
  ),
  warnings: v.array(text('As people were shown it.')),
  audit: v.exactOptional(
    v.pipe(
      auditSchema,
      v.description(
        'Where packages come from, and what will hurt; absent where it was not looked at.',
      ),
    ),
  ),
});
