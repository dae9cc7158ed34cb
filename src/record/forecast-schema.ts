import * as v from 'valibot';
import { count, flag, seconds, text } from './fields.ts';

/** A number of bytes that is not quite known. */
const bytesSchema = v.object({
  bytes: count('As far as they are known.'),
  estimated: flag('Whether some of them are sizes that the same layers had last time.'),
  atLeast: flag('Whether some sizes are not known at all, and count as nothing.'),
});

/** What a run is expected to do, in numbers. */
export const forecastSchema = v.object({
  layers: count('Layers of the image.'),
  layersToMake: count('Those that the registry does not have.'),
  builds: v.exactOptional(count('Derivations to build; absent where Nix could not say.')),
  fetchBytes: v.exactOptional(count('Downloaded by Nix; absent where Nix could not say.')),
  send: v.pipe(bytesSchema, v.description('Of layers, to the registry.')),
  pull: v.exactOptional(
    v.pipe(
      bytesSchema,
      v.description(
        'By a host that has the image which the first tag names now; absent where there is none, and where nothing is pushed.',
      ),
    ),
  ),
  diskBytes: v.exactOptional(
    count(
      'Of the store, with what layers to be built had last time; absent where Nix could not say.',
    ),
  ),
  seconds: v.exactOptional(
    seconds(
      'The longest chain of builds by the times that records say, and what is fetched and sent at the rates of the last run; absent where Nix could not say.',
    ),
  ),
  unknownTimes: count('Builds of which no record says how long they take.'),
});

const derivation = v.object({
  name: text('Without hash and ".drv".'),
  derivation: text('Its store path.'),
  seconds: v.exactOptional(
    seconds('That building it took last time; absent where no record says.'),
  ),
});

const layer = v.object({
  name: text("As the flake calls it, or the flake's one target."),
  state: v.pipe(
    v.picklist(['registry', 'store', 'cache', 'build', 'open']),
    v.description(
      'Where it comes from; open: that is decided when what is below it is there, or Nix could not say.',
    ),
  ),
  cache: v.exactOptional(text('The binary cache that has it.')),
  fetchBytes: v.exactOptional(
    count('That Nix downloads for it, and for none before it; absent where that is not known.'),
  ),
  send: v.exactOptional(bytesSchema),
  derivations: v.pipe(
    v.array(derivation),
    v.description('That are built for it, and for none before it.'),
  ),
});

const cause = v.object({
  text: text('What changed, in words.'),
  layers: v.pipe(v.array(text("A layer's name.")), v.description('That are made anew for it.')),
  rebuilds: count('Derivations that make something else because of it.'),
});

/** Why layers are made anew. */
export const whySchema = v.object({
  causes: v.pipe(v.array(cause), v.description('Those of the most rebuilds first.')),
  more: count('Causes that are not listed.'),
  rebuilds: count('Derivations that make something else than those of the image before.'),
});

const imagePlan = v.object({
  flake: text('What was evaluated.'),
  variant: v.exactOptional(text("The recipe's tag, or that of another tool's image.")),
  repository: text('Where it goes.'),
  tags: v.array(text('A tag that is to name it.')),
  upToDate: v.exactOptional(
    flag(
      'Whether all of it is there, and each tag names an image of the same layers and config; absent where the registry could not be read.',
    ),
  ),
  unknown: v.exactOptional(text('Why it is not known what the registry holds.')),
  layers: v.pipe(v.array(layer), v.description("In the image's order, lowest first.")),
  forecast: forecastSchema,
  why: v.exactOptional(
    v.pipe(whySchema, v.description('Absent where nothing is kept of the image before.')),
  ),
});

/** What runs would do: what the verb `plan` tells. Its types (`types.ts`) and `docs/plan.schema.json` come from here. */
export const planSchema = v.object({
  version: v.pipe(v.literal(1), v.description('Format of this document.')),
  program: text('Name and version of this program.'),
  nix: text('Version of Nix.'),
  seconds: seconds('That finding it out took.'),
  leftOut: v.pipe(
    v.array(v.object({ cache: text('Its address.'), reason: text('Why it was left out.') })),
    v.description('Caches that were named and not used.'),
  ),
  images: v.array(imagePlan),
});
