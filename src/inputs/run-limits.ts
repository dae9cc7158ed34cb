import { nearest } from '../host/nearest.ts';
import { badInput, quote } from './values.ts';

/** What a run can be held to, and what it is counted in. */
export const quantities = {
  'image-size': 'bytes',
  'layer-growth': 'bytes',
  pull: 'bytes',
  sent: 'bytes',
  fetched: 'bytes',
  'build-time': 'seconds',
} as const;

type Quantity = keyof typeof quantities;

/** One line of the input `limits`. */
export interface RunLimit {
  /** As it was given. */
  text: string;
  quantity: Quantity;
  /** Bytes or seconds. */
  bound: number;
  /** Whether the bound itself is within the limit. */
  inclusive: boolean;
}

const units = {
  bytes: {
    ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
    ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  },
  seconds: { s: 1, m: 60, min: 60, h: 3600 },
} as const;

const unitsInWords = { bytes: 'B, kB, MB, GB, KiB, MiB or GiB', seconds: 's, m or h' };
const example = { bytes: '12GiB', seconds: '30m' };

/** Reads the input `limits`: `QUANTITY < NUMBER UNIT` by lines, each quantity once. */
export function readRunLimits(name: string, lines: readonly string[]): RunLimit[] {
  const limits = lines.map(line => readLimit(name, line));
  for (const [at, { text, quantity }] of limits.entries()) {
    if (limits.findIndex(other => other.quantity === quantity) === at) continue;
    throw badInput(name, `${quote(text)} is a second limit for ${quantity}.`, 'Leave one of them.');
  }
  return limits;
}

function readLimit(name: string, line: string): RunLimit {
  const [, quantity, sign, amount = ''] = /^([\w-]+)\s*(<=?)\s*(.*)$/.exec(line) ?? [];
  if (quantity === undefined) {
    throw badInput(
      name,
      `expected lines QUANTITY < NUMBER UNIT; found ${quote(line)}.`,
      `Write image-size < ${example.bytes}, for one; the quantities are ${names.join(', ')}.`,
    );
  }
  if (!isQuantity(quantity)) {
    throw badInput(
      name,
      `there is no quantity ${quote(quantity)} (${quote(line)}).`,
      `The nearest is ${nearest(quantity, names)}; there are ${names.join(', ')}.`,
    );
  }
  const kind = quantities[quantity];
  const bound = readAmount(amount, units[kind]);
  if (bound !== undefined) return { text: line, quantity, bound, inclusive: sign === '<=' };
  throw badInput(
    name,
    `expected a number with one of the units ${unitsInWords[kind]}; found ${quote(amount)} (${quote(line)}).`,
    `Write ${quantity} ${sign} ${example[kind]}, for one.`,
  );
}

const names = Object.keys(quantities) as Quantity[];
const isQuantity = (text: string): text is Quantity => Object.hasOwn(quantities, text);

/** Reads a time such as "10m" or "1h 30m" as seconds; "0s" is one, too. */
export function readDuration(name: string, text: string): number {
  const read = /^0\s*(?:s|m|min|h)?$/.test(text) ? 0 : readAmount(text, units.seconds);
  if (read !== undefined) return read;
  throw badInput(
    name,
    `expected a number with one of the units ${unitsInWords.seconds}; found ${quote(text)}.`,
    'Write 10m, for one.',
  );
}

/** Numbers with units that add up, such as "1h 30m"; undefined for anything else, and for nothing at all. */
function readAmount(text: string, known: Readonly<Record<string, number>>): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?\s*[A-Za-z]+\s*)+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([A-Za-z]+)/g)) {
    if (!Object.hasOwn(known, unit)) return undefined;
    sum += Number(number) * (known[unit] ?? 0);
  }
  return sum > 0 && Number.isFinite(sum) ? sum : undefined;
}
