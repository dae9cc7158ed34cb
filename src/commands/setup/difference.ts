import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import type { SetupSettings } from '../../inputs/settings.ts';

/** Something that is not as this run wanted it to be. */
export interface Difference {
  /** Another setting wins; this Nix has none of that name; a daemon takes none from this user. */
  kind: 'lost' | 'unknown' | 'untrusted';
  /** The settings, by their names. */
  settings: readonly string[];
  /** One sentence that names who wins. */
  sentence: string;
  /** What people can do, as a sentence. */
  next: string;
  /** The inputs that asked for it; none: it is a default of this program. */
  inputs: readonly string[];
}

/**
 * Tells what is not as it was wanted: a warning for each, and the failure of the run where an input has
 * asked for it; one that only looks is not failed.
 * @throws Failure
 */
export function tellDifferences(
  differences: readonly Difference[],
  { task }: Pick<SetupSettings, 'task'>,
  host: Host,
): void {
  const asked = task === 'check' ? [] : differences.filter(({ inputs }) => inputs.length > 0);
  for (const { sentence, next } of differences.filter(each => !asked.includes(each))) {
    warn(host, `${sentence} ${next}`);
  }
  const [first, ...others] = asked;
  if (first === undefined) return;
  const inputs = [...new Set(asked.flatMap(each => each.inputs))];
  throw new Failure(
    `Nix does not do what ${inputs.length > 1 ? 'the inputs ask' : 'the input asks'} for ` +
      `(${inputs.map(each => `\`${each}\``).join(', ')}): ${first.sentence}`,
    {
      evidence: others.map(({ sentence }) => sentence),
      tried: 'to write the settings, and asked Nix which are in effect.',
      next: [...new Set(asked.map(({ next }) => next))].join(' '),
    },
  );
}
