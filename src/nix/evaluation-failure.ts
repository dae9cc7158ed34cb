import { Failure } from '../host/failure.ts';
import { nearestNames } from '../host/nearest.ts';
import { asTold, buildFailure, type KnownDerivations, rootsOf } from './build-failure.ts';
import { findCause } from './causes/find.ts';
import type { FailedDerivation } from './events.ts';

/** Lines of Nix's own message that are shown; its end says most. */
const shownLines = 40;

/** Names that are proposed for one that is not there. */
const proposed = 3;

/**
 * Whether Nix says that the flake has no such attribute. It says so in an error of its own, which begins
 * with that: what a flake throws or traces may hold the same words.
 */
export const isMissingAttribute = (installable: string, errors: readonly string[]): boolean =>
  errors.some(error => {
    const listed = /^error: flake '[^'\n]*' does not provide attribute ([^\n]*)/.exec(error)?.[1];
    return listed?.includes(attributeOf(installable)) ?? false;
  });

/** What stands behind # and before ^: the attribute, without the outputs that are wanted of it. */
const attributeOf = (installable: string): string =>
  (installable.split('#')[1] ?? '').replace(/\^.*$/s, '');

/**
 * The failure of flakes that have none of the attributes asked for; with the nearest of those that it has.
 *
 * @param existing names of packages that the flake has, as far as they are known
 */
export function missingAttribute(
  installables: readonly string[],
  errors: readonly string[],
  existing: readonly string[],
): Failure {
  const similar = errors.flatMap(error => /Did you mean ([^?]*)\?/.exec(error)?.[1] ?? []);
  const [flake = '.'] = (installables[0] ?? '.').split('#');
  const near = nearestNames(attributeOf(installables[0] ?? ''), existing, proposed);
  const names = near.length > 0 ? near : similar;
  return new Failure(`The flake has no target ${installables.join(', nor ')}.`, {
    tried: 'Nix looked for it among packages, legacyPackages and the top-level attributes.',
    next:
      names.length > 0
        ? `Did you mean ${names.join(', ')}? nix flake show ${flake} lists all.`
        : `Name one that nix flake show ${flake} lists.`,
    evidence: lastLines(errors),
  });
}

/** What an evaluation was asked for besides the installable, and what is known of its builds. */
interface EvaluatedAt extends Pick<KnownDerivations, 'kindOf'> {
  cwd: string;
  overrideInputs?: readonly { input: string; flake: string }[];
  /** Builds that did not come to their end. */
  failed?: readonly FailedDerivation[];
}

/**
 * The failure of an evaluation, from Nix's errors (texts without colours, oldest first): of a build whose
 * output the flake imports, told as any other, or of the evaluation itself. A cause that is known is
 * named with its remedy; any other is shown as Nix tells it.
 */
export function evaluationFailure(
  installable: string,
  errors: readonly string[],
  { cwd, overrideInputs = [], failed = [], kindOf }: EvaluatedAt,
): Failure {
  const imported = rootsOf(failed).filter(isOfBuild);
  if (imported.length > 0) {
    const tried = `The flake imports what it makes: it is built while ${installable} is evaluated.`;
    return buildFailure(imported, errors, { ...(kindOf ? { kindOf } : {}), tried });
  }
  const flake = installable.split('#')[0] || '.';
  const found = findCause({ evaluation: errors }, { asked: { flake, cwd, overrideInputs } });
  return new Failure(found?.sure ? found.cause : `${installable} cannot be evaluated.`, {
    evidence: found?.hidesText ? [] : lastLines(errors.map(withoutTrace)),
    ...(found && !found.sure ? { why: asTold(found) } : {}),
    tried: `nix eval was run in ${cwd}.`,
    next: found?.remedy ?? `nix eval --show-trace '${installable}' shows where it comes from.`,
  });
}

/**
 * Nix's own message without the way to it: that stands before it, in older versions behind it. What a flake
 * throws may hold the same words, and is not cut where there is no way to it.
 */
function withoutTrace(error: string): string {
  const start = [...error.matchAll(/(?<=^\s*)error:/gm)].at(-1)?.index ?? 0;
  const message = isTrace.test(error.slice(0, start)) ? error.slice(start) : error;
  const trace = message.search(isTrace);
  return trace > 0 ? message.slice(0, trace) : message;
}

const isTrace = /^\s*(?:…|\.\.\.) /m;

/** An error may name a derivation of which nothing was to be built. */
const isOfBuild = ({ message, log }: FailedDerivation): boolean =>
  log.length > 0 ||
  /^$|\b[Bb]uild|hash mismatch|__noChroot|timed out|substitutes for/.test(message);

function lastLines(errors: readonly string[]): string[] {
  const lines = errors.flatMap(error => error.split('\n')).filter(line => line.trim() !== '');
  return lines.slice(-shownLines);
}
