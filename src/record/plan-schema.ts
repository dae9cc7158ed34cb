import * as v from 'valibot';
import { count, flag, seconds, text } from './fields.ts';
import { bytesSchema, forecastSchema, whySchema } from './forecast-schema.ts';

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
  matrix: v.exactOptional(
    v.pipe(
      v.object({
        include: v.pipe(
          v.array(v.record(v.string(), v.string())),
          v.description(
            'Inputs of a build (flake, image, tags, by lines), variant, and what the recipe adds.',
          ),
        ),
      }),
      v.description(
        'Of the jobs that have something to do, as strategy.matrix takes it; absent where that is an error.',
      ),
    ),
  ),
});
