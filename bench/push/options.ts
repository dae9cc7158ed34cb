import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What the benchmark is to do. */
export interface Options {
  /** Bytes of the image that is pushed. */
  bytes: number;
  /** A folder whose content is pushed in place of a generated one. */
  tree?: string;
  /** A folder with wheels that are pushed unpacked, in place of a generated image. */
  wheels?: string;
  /** How often each measurement is made; the median counts. */
  rounds: number;
  /** Bytes of the two images whose peak memory is compared. */
  memory: readonly [number, number];
  /** Whether docs/performance.md is written. */
  write: boolean;
}

const usage = `npm run bench -- [OPTIONS]

  --quick        300 MB, one round; writes nothing. For a look, not for numbers
  --size GB      size of the image (default 2.5)
  --tree DIR     push this folder in place of a generated image
  --wheels DIR   push what the wheels in this folder hold, such as those of
                 torch and nvidia-*
  --rounds N     measure everything so often, in turn (default 1; this program
                 pushes three times in each)
  --large GB     the large image of the memory test (default 5, beside 1)
  --no-write     leave docs/performance.md as it is

Needs root, and the programs docker-registry, skopeo, zstd, python3, ip and Nix; crane is used where it is.`;

/** Reads the command line; throws the usage on anything else. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      quick: { type: 'boolean' },
      size: { type: 'string' },
      tree: { type: 'string' },
      wheels: { type: 'string' },
      rounds: { type: 'string' },
      large: { type: 'string' },
      write: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) throw new Error(usage);
  const quick = values.quick === true;
  return {
    bytes: gigabytes(values.size ?? (quick ? '0.3' : '2.5')),
    rounds: positive(values.rounds ?? '1'),
    memory: quick ? [1e8, 3e8] : [1e9, gigabytes(values.large ?? '5')],
    write: values.write ?? !quick,
    ...(values.tree === undefined ? {} : { tree: resolve(values.tree) }),
    ...(values.wheels === undefined ? {} : { wheels: resolve(values.wheels) }),
  };
}

const gigabytes = (text: string) => positive(text) * 1e9;

function positive(text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`${text} is not a number above zero.\n\n${usage}`);
}
