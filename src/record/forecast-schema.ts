import * as v from 'valibot';
import { count, flag, seconds, text } from './fields.ts';

/** A number of bytes that is not quite known. */
export const bytesSchema = v.object({
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
