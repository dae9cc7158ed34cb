import { stripVTControlCharacters } from 'node:util';
import { Failure } from '../host/failure.ts';
import { type FailedDerivation, isDependencyFailure } from './events.ts';

/** Lines of Nix's messages that are shown where there is no builder's log. */
const shownLines = 30;

const noSpace = /No space left on device|database or disk is full/;
const noSubstitute =
  /substitutes for the outputs|unable to download|error reading from .*cache|there is no substituter/;

/**
 * What a realisation that failed is told as: the builds at the root of it (not those that only
 * depended on them), the end of each log, and the command that shows all of it.
 *
 * @param errors Nix's errors, oldest first, for failures that belong to no derivation
 * @param layerOf the layer that a derivation belongs to
 */
export function buildFailure(
  failed: readonly FailedDerivation[],
  errors: readonly string[],
  layerOf: (drvPath: string) => string | undefined = () => undefined,
): Failure {
  const causes = failed.filter(({ message }) => !isDependencyFailure(message));
  const said = [...errors, ...causes.flatMap(({ message, log }) => [message, ...log])].join('\n');
  const [first] = causes;
  if (first === undefined) return general(errors, said);
  const layer = layerOf(first.drvPath);
  const layers = new Set(causes.map(({ drvPath }) => layerOf(drvPath)));
  return new Failure(
    causes.length === 1
      ? `The build of ${nameOf(first)} failed: ${reasonOf(first.message)}.`
      : `${causes.length} builds failed: ${causes.map(describeIn(layerOf)).join(', ')}.`,
    {
      ...(layers.size === 1 && layer !== undefined ? { layer } : {}),
      evidence: causes.flatMap(cause => [`${cause.drvPath}:`, ...evidenceOf(cause)]),
      tried: 'Everything that does not need what failed was still built.',
      next: remedy(said) ?? causes.map(({ drvPath }) => `nix log ${drvPath}`).join('\n'),
    },
  );
}

function general(errors: readonly string[], said: string): Failure {
  return new Failure('Nix could not build or fetch what the image needs.', {
    evidence: linesOf(errors).slice(-shownLines),
    next: remedy(said) ?? 'Run nix-store --realise with the derivation to see more.',
  });
}

/** What to do about causes outside of the build. */
function remedy(said: string): string | undefined {
  if (noSpace.test(said)) {
    return 'The disk is full: free space (nix-collect-garbage removes what nothing needs any more).';
  }
  if (noSubstitute.test(said)) {
    return 'A binary cache failed: run again, or build without it (fallback = true in nix.conf).';
  }
  return undefined;
}

const nameOf = ({ drvPath }: FailedDerivation): string =>
  drvPath.replace(/^.*\/[0-9a-z]{32}-/, '').replace(/\.drv$/, '');

const describeIn =
  (layerOf: (drvPath: string) => string | undefined) => (one: FailedDerivation) => {
    const layer = layerOf(one.drvPath);
    const place = layer === undefined ? '' : ` of ${layer}`;
    return `${nameOf(one)}${place} (${reasonOf(one.message)})`;
  };

/**
 * Why a build failed, in a few words. 2.8: "error: builder for '….drv' failed with exit code 3"; 2.34:
 * "error: Cannot build '….drv'." and below it "Reason: builder failed with exit code 3.".
 */
export function reasonOf(message: string): string {
  const reason = /^\s*Reason: (.*?)\.?$/m.exec(message)?.[1];
  if (reason !== undefined) return reason;
  const [line = ''] = message.split('\n');
  const words = line.replace(/^error:\s*/, '').replace(/ (for|of derivation)? ?'\/[^']*'/, '');
  return words.replace(/[:;.]$/, '') || 'its builder failed';
}

/** The log's end; Nix's own words too where they say more than that a builder ended. */
function evidenceOf({ message, log }: FailedDerivation): string[] {
  const words = /builder (for .*)?failed/.test(message) ? [] : linesOf([message]);
  return [...linesOf(log), ...words];
}

const linesOf = (texts: readonly string[]): string[] =>
  texts
    .flatMap(text => stripVTControlCharacters(text).split('\n'))
    .filter(line => line.trim() !== '');
