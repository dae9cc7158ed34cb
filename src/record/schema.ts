import * as v from 'valibot';
import type { Phase } from '../host/events.ts';
import { auditSchema } from './audit-schema.ts';
import { count, digest, seconds, text } from './fields.ts';
import { forecastSchema, whySchema } from './forecast-schema.ts';
import { layerSchema } from './layer-schema.ts';
import { limitSchema } from './limit-schema.ts';
import { leftOutSchema, spanSchema } from './span-schema.ts';

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
  movedTags: v.array(text('A tag that this run has moved to it.')),
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

const flakeInput = v.object({
  name: text('As the flake that uses it calls it, else as the lock file does.'),
  url: text('Without a login.'),
  revision: v.exactOptional(text('Of its repository.')),
  lastModified: v.exactOptional(text('RFC 3339.')),
});

const unsentLayer = v.object({
  name: text('As in `layers`.'),
  narSize: v.exactOptional(count('Of what the layers below do not have, unpacked.')),
});

const wouldPush = v.object({
  layers: v.array(unsentLayer),
  narSize: v.exactOptional(count('Of all of them; absent where one is not known.')),
  tags: v.array(text('A tag that would be moved.')),
});

const usage = v.object({
  memory: count('The most memory that this program had, without Nix; bytes.'),
  cpuSeconds: seconds('What this program has used, without Nix.'),
});

/** Of what is laid side by side, each with each: this program writes a part of that. */
const most = { layers: 10_000, spans: 10_000 };

/**
 * The record of one run: all that a report, or a later comparison, needs. Its types (`types.ts`) and
 * `docs/record.schema.json` come from here.
 */
export const recordSchema = v.object({
  version: v.pipe(v.literal(2), v.description('Format of this document.')),
  outcome: v.pipe(
    v.picklist(['success', 'failure', 'cancelled']),
    v.description('cancelled: the run was interrupted, or its job was cancelled.'),
  ),
  failure: v.exactOptional(text('The failure as people were shown it; absent on success.')),
  notPushed: v.exactOptional(
    text('Why nothing was pushed, where that was not the own wish of the user.'),
  ),
  notCached: v.exactOptional(
    text('Why no token was used and caches got nothing: the code was that of a fork.'),
  ),
  wouldPush: v.exactOptional(
    v.pipe(
      wouldPush,
      v.description('What a run that does not push would send; absent where it pushes.'),
    ),
  ),
  run: v.exactOptional(text("The workflow run's page.")),
  branch: v.exactOptional(text('Branch or tag of the workflow run.')),
  commit: v.exactOptional(text("The flake's, where it is the workflow's.")),
  event: v.exactOptional(text("The workflow's event.")),
  startedAt: text('RFC 3339.'),
  seconds: seconds('The whole run.'),
  program: text('Name and version of this program.'),
  nix: v.object({ version: text('Of Nix.'), system: text('For example x86_64-linux.') }),
  node: text('Version of Node.'),
  flake: text('What was built.'),
  inputs: v.exactOptional(
    v.pipe(
      v.array(flakeInput),
      v.description("What the flake's lock file names; absent where it was not seen."),
    ),
  ),
  image: v.exactOptional(
    v.pipe(image, v.description('Absent when the run ended before there was one.')),
  ),
  layers: v.pipe(
    v.array(layerSchema),
    v.maxLength(most.layers),
    v.description("In the image's order, lowest first."),
  ),
  phases: v.array(phase),
  spans: v.pipe(
    v.array(spanSchema),
    v.maxLength(most.spans),
    v.description('What took time, the earliest first. Where they are too many, the longest.'),
  ),
  spansLeftOut: v.exactOptional(
    v.pipe(leftOutSchema, v.description('Spans that were too many; absent where none were.')),
  ),
  savedSeconds: v.exactOptional(
    seconds(
      'What making the reused layers took when they were last made; absent where one is not known.',
    ),
  ),
  downloadBytes: count('Downloaded by Nix in this run.'),
  readBytes: count('Read for blobs.'),
  packedBytes: count('Of the blobs that were sent, uncompressed.'),
  sentBytes: count('Bytes of layers sent in this run.'),
  usage: v.exactOptional(
    v.pipe(usage, v.description('Of this program itself; absent in records of format 1.')),
  ),
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
  predicted: v.exactOptional(
    v.pipe(
      forecastSchema,
      v.description(
        'What the run was expected to do, by what was known when it began to make layers; absent where there was nothing to make.',
      ),
    ),
  ),
  why: v.exactOptional(
    v.pipe(
      whySchema,
      v.description(
        'Why layers were made anew; absent where nothing was made, or nothing is kept of the image before.',
      ),
    ),
  ),
  limits: v.exactOptional(
    v.pipe(v.array(limitSchema), v.description('Absent where none were given.')),
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
