import * as v from 'valibot';

/** Fields of a record, each with what the published schema says of it. */

export const text = (description: string) => v.pipe(v.string(), v.description(description));

export const textOrNull = (description: string) =>
  v.pipe(v.nullable(v.string()), v.description(description));

/** The largest amount, and the longest time, some thirty years: of more no sum, date or text can be made. */
const most = { amount: Number.MAX_SAFE_INTEGER, seconds: 1e9 };

/** A number of bytes, or of seconds. */
export const amount = (description: string) =>
  v.pipe(v.number(), v.minValue(0), v.maxValue(most.amount), v.description(description));

/** A number of things, or of bytes. */
export const count = (description: string) => v.pipe(amount(description), v.integer());

export const seconds = (description: string) =>
  v.pipe(v.number(), v.minValue(0), v.maxValue(most.seconds), v.description(description));

export const digest = (description: string) =>
  v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/), v.description(description));

export const flag = (description: string) => v.pipe(v.boolean(), v.description(description));
