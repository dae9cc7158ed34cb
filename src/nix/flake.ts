import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import { readJson } from '../host/foreign-json.ts';
import { lastLines } from '../host/last-lines.ts';
import { patience } from '../host/limits.ts';
import { type EvaluationRequest, overrideArguments } from './evaluate.ts';
import { asAddress } from './flake-reference.ts';
import type { Nix } from './types.ts';

/** A flake that is asked for its date, as it was evaluated. */
interface DatedFlake {
  installable: string;
  overrideInputs: EvaluationRequest['overrideInputs'];
  /** Where relative flake references start. */
  cwd: string;
}

/**
 * When the flake of an installable was last changed, in seconds since the epoch, as `nix flake
 * metadata` says it. Rejects with a {@link Failure} for sources that do not know (a mutable path).
 */
export async function flakeLastModified(
  nix: Nix,
  { installable, overrideInputs, cwd }: DatedFlake,
): Promise<number> {
  const flake = installable.split('#')[0] || '.';
  const { code, stdout, stderr } = await nix.host.run({
    file: `${nix.bin}/nix`,
    args: [
      ...['flake', 'metadata', '--json', '--no-write-lock-file'],
      // without them Nix would fetch, and lock, what they stand in for
      ...overrideArguments(overrideInputs, cwd),
      asAddress(flake, cwd),
    ],
    cwd,
    env: nix.env,
    signal: nix.host.signal,
    limit: { what: `Nix to fetch the flake ${flake}`, ms: patience.nixQuery },
  });
  const lastModified = code === 0 ? readLastModified(stdout) : undefined;
  if (lastModified !== undefined) return lastModified;
  throw new Failure(
    `The recipe says created = "now", but ${flake} does not know when it was changed.`,
    {
      tried: 'nix flake metadata was asked for lastModified.',
      next: 'Set SOURCE_DATE_EPOCH, or give the recipe a fixed date.',
      ...(code === 0 ? {} : { evidence: lastLines(stderr) }),
    },
  );
}

const metadataSchema = v.object({
  lastModified: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** The time in what `nix flake metadata --json` printed; undefined where there is none. */
export function readLastModified(printed: string): number | undefined {
  return readJson(metadataSchema, printed)?.lastModified;
}
