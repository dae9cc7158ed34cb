import * as v from 'valibot';
import { amount, flag, text } from './fields.ts';

/** What a run was held to, and whether it kept it. */
export const limitSchema = v.object({
  limit: text('As it was given, for example "image-size < 12GiB".'),
  unit: v.picklist(['bytes', 'seconds']),
  bound: amount('In that unit.'),
  found: v.exactOptional(amount('In that unit; absent where it is not known.')),
  layer: v.exactOptional(text('The layer of which it was found.')),
  kept: flag('Also true where it is not known.'),
});
