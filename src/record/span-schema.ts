import * as v from 'valibot';
import type { SpanKind } from '../host/events.ts';
import { count, seconds, text } from './fields.ts';

const kinds = [
  'set-up', // settings, caches that are asked, and Nix's word that they hold
  'install', // Nix itself
  'inputs', // inputs of the flake are fetched, while Nix evaluates
  'evaluate',
  'memory-read', // what the registry holds
  'store', // the store is asked what it has
  'plan', // what has to be made is decided, blobs are asked for
  'restore', // from GitHub's cache, and room on the disk
  'nix', // Nix asks caches and decides, before, between and after its builds
  'build', // a derivation
  'substitute', // a store path
  'pack', // a blob's files are read, and put into a tar
  'compress', // … which is compressed meanwhile
  'upload', // … and sent meanwhile, up to the registry's answer
  'presence', // a layer's blobs are asked for
  'manifest', // config and manifest are put
  'tag', // a tag is moved
  'memory-write',
  'cache-push', // what is built goes to a cache
  'audit',
  'wait', // for a lock, or for its turn
  'finish', // what is left at the end
] as const satisfies readonly SpanKind[];

/** How work ended that did not come to its end; cancelled: it was under way when the run ended. */
export const ended = v.exactOptional(
  v.pipe(
    v.picklist(['failed', 'cancelled']),
    v.description(
      'Absent where it came to its end; cancelled: it was under way when the run ended.',
    ),
  ),
);

/** Something that took time. */
export const spanSchema = v.object({
  kind: v.picklist(kinds),
  layer: v.exactOptional(text('Absent where it belongs to no layer.')),
  detail: v.exactOptional(
    text('What it was about: a derivation, a store path, a digest, a tag, a cache, a lock.'),
  ),
  machine: v.exactOptional(text('The builder, as Nix names it; absent: this machine.')),
  cache: v.exactOptional(text('Where a store path came from.')),
  bytes: v.exactOptional(count('Sent, packed or unpacked, as its kind says.')),
  start: seconds("From the run's start."),
  seconds: seconds('How long it took. Spans may overlap.'),
  busySeconds: v.exactOptional(
    seconds('Of pack, compress and upload: how much of it the other two had to wait for it.'),
  ),
  ended,
});

/** What was left out of a list. */
export const leftOutSchema = v.object({
  count: count('How many.'),
  seconds: seconds('All of them together.'),
});
