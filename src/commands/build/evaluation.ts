import { baseOf, isBelow } from '../../caches/files-of.ts';
import type { Unusable } from '../../caches/probe.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { shownAddress } from '../../host/http/address.ts';
import { notice } from '../../host/say.ts';
import { stoppable } from '../../host/stoppable.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Evaluation } from '../../nix/types.ts';
import { evaluateImage } from '../evaluate-image.ts';
import type { BegunNix } from '../setup/prepare.ts';

/**
 * Evaluates the image while caches are asked whether they answer. Nix may take from them already: inputs
 * of the flake, and what it imports. Where it waits for one that does not answer, for minutes by its own
 * settings, or breaks down of one that is left out, all is begun again without that. Rejects with a
 * {@link Failure}.
 */
export async function evaluateBeside(
  { nix, caches, ready }: BegunNix,
  settings: BuildSettings,
  host: Host,
): Promise<Evaluation> {
  const { host: first, stop } = stoppable(host);
  const { onFetch, ...use } = watchUse(caches, stop);
  ready.then(
    ({ unusable }) => use.learn(unusable),
    () => undefined, // told to others
  );
  const provenance = settings.audit;
  try {
    return await evaluateImage({ ...nix, host: first }, settings, provenance, first, { onFetch });
  } catch (error) {
    host.signal?.throwIfAborted();
    if (use.used().length === 0) throw error;
    const { nix: usable, unusable } = await ready;
    const culprit = use.used().find(cache => unusable.has(cache));
    if (culprit === undefined) throw error;
    notice(host, beginsAgain(culprit));
    return evaluateImage({ ...usable, host }, settings, provenance, host);
  }
}

const beginsAgain = (cache: string) =>
  `Evaluation has come to ${shownAddress(cache)}, which cannot be used, and begins again without it.`;

/** The caches that an evaluation takes from. */
interface CacheUse {
  /** Takes the files that are being fetched now. */
  onFetch(files: readonly string[]): void;
  /** Takes what is wrong with caches. */
  learn(unusable: Unusable): void;
  /** Those that were used, of which it is not known whether anything came. */
  used(): string[];
}

/** Watches for a fetch that waits in vain, and stops it. */
function watchUse(caches: readonly string[], stop: (reason: unknown) => void): CacheUse {
  const bases = caches.flatMap(cache =>
    /^https?:/i.test(cache) && URL.canParse(cache) ? [{ cache, base: baseOf(cache) }] : [],
  );
  const used = new Set<string>();
  let fetching: readonly string[] = [];
  let wrong: Unusable = new Map();
  const look = () => {
    for (const { cache, base } of bases) {
      if (!fetching.some(file => isBelow(file, base))) continue;
      used.add(cache);
      if (wrong.get(cache)?.stalls) stop(new Failure(`${shownAddress(cache)} does not answer.`));
    }
  };
  return {
    onFetch: files => {
      fetching = files;
      if (files.length > 0) look();
    },
    learn: unusable => {
      wrong = unusable;
      look();
    },
    used: () => [...used],
  };
}
