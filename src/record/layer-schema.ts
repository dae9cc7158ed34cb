import * as v from 'valibot';
import type { Origin, Transfer } from '../host/events.ts';
import { count, digest, seconds, text, textOrNull } from './fields.ts';
import { ended } from './span-schema.ts';

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
  ended,
});

const packageVersion = v.object({
  name: text("As the store path's name has it, without hash and version."),
  version: text('The rest of that name.'),
});

/** What was done for one layer. */
export const layerSchema = v.object({
  name: text('Unique in its image.'),
  target: textOrNull(
    "The target's derivation; null for a layer of several targets, and for one that the program adds.",
  ),
  outPath: textOrNull("The target's output path; null as its derivation is."),
  origin: v.pipe(
    v.picklist([
      'built',
      'substituted',
      'local',
      'reused',
      'skipped',
      'failed',
      'cancelled',
    ] satisfies Origin[]),
    v.description(
      "Where the target's own output came from; of several targets, where most had to be done. failed: its build or its transfer; cancelled: not finished, as something else failed, or the run was cancelled.",
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
  makingSeconds: v.exactOptional(
    seconds(
      'What making it took when it was last made, by this run or by one before; absent where that is not known.',
    ),
  ),
  builtDerivations: v.array(builtDerivation),
  substitutedPaths: v.array(text('A store path.')),
  downloadBytes: count('Downloaded by Nix for this layer.'),
  readBytes: count('Read for its blobs: the tars of what was sent, and of what was sent in part.'),
  packedBytes: count('Of the blobs that were sent, uncompressed.'),
  sentBytes: count('Of the blobs that were sent, as stored.'),
  packages: v.exactOptional(
    v.pipe(
      v.array(packageVersion),
      v.description('What it holds, as far as store paths tell a version.'),
    ),
  ),
  blobs: v.array(blob),
});
