import { stripVTControlCharacters } from 'node:util';
import { Failure } from '../host/failure.ts';
import type { DerivationKind } from './causes/cause.ts';
import { type Explanation, findCause } from './causes/find.ts';
import { type FailedDerivation, isDependencyFailure } from './events.ts';
import { nameOf } from './names.ts';

/** Lines of Nix's messages that are shown where there is no builder's log. */
const shownLines = 30;

/** What is known of derivations besides what Nix says. */
export interface KnownDerivations {
  /** The layer that a derivation belongs to. */
  layerOf?: ((drvPath: string) => string | undefined) | undefined;
  kindOf?: (drvPath: string) => DerivationKind | undefined;
  /** What was done beside or after the failure; a sentence. */
  tried?: string;
}

/**
 * What a realisation that failed is told as: the builds at the root of it (not those that only
 * depended on them), the end of each log, why, and what to do, where the table of causes has it, and
 * the command that shows all of it.
 *
 * @param errors Nix's errors, oldest first, for failures that belong to no derivation
 */
export function buildFailure(
  failed: readonly FailedDerivation[],
  errors: readonly string[],
  known: KnownDerivations = {},
): Failure {
  const roots = withReasons(rootsOf(failed), errors);
  if (roots.length === 0) return general(errors);
  const layers = new Set(roots.map(({ drvPath }) => known.layerOf?.(drvPath)));
  const [layer] = layers;
  const found = roots.map(root => causeOf(root, known));
  return new Failure(messageOf(roots, known), {
    ...(layers.size === 1 && layer !== undefined ? { layer } : {}),
    evidence: roots.flatMap(root => [`${root.drvPath}:`, ...evidenceOf(root)]),
    ...whyOf(roots, found),
    tried: known.tried ?? 'Everything that does not need what failed was still built.',
    next: [
      ...new Set(found.flatMap(each => each?.remedy ?? [])),
      ...roots.map(({ drvPath }) => `nix log ${drvPath}`),
    ].join('\n'),
  });
}

/** The builds that failed by themselves. */
export const rootsOf = (failed: readonly FailedDerivation[]): FailedDerivation[] =>
  failed.filter(({ message }) => !isDependencyFailure(message));

/**
 * Of some failures Nix does not say which build they belong to (2.34: "timed out after 2 seconds"): where
 * all that it says without a name is the same, it is what is missing of those that have no reason.
 */
function withReasons(
  roots: readonly FailedDerivation[],
  errors: readonly string[],
): FailedDerivation[] {
  const nameless = new Set(errors.filter(isNameless));
  const [reason] = nameless;
  if (nameless.size !== 1 || reason === undefined) return [...roots];
  return roots.map(root => (root.message === '' ? { ...root, message: reason } : root));
}

const isNameless = (error: string): boolean =>
  /^error:/.test(error) && !/'\/[^'\n]*\.drv[!^']/.test(error);

const causeOf = (
  { drvPath, message, log }: FailedDerivation,
  { kindOf }: KnownDerivations,
): Explanation | undefined =>
  findCause({ build: [message], log: [log.join('\n')] }, { kind: kindOf?.(drvPath) });

/** The causes that are known, each once; of several failures with the names of those it is the cause of. */
function whyOf(
  roots: readonly FailedDerivation[],
  found: readonly (Explanation | undefined)[],
): { why?: string } {
  const names = new Map<string, string[]>();
  for (const [at, root] of roots.entries()) {
    const cause = found[at];
    if (cause === undefined) continue;
    const text = asTold(cause);
    names.set(text, [...(names.get(text) ?? []), nameOf(root.drvPath)]);
  }
  if (names.size === 0) return {};
  const lines = [...names].map(([text, of]) =>
    roots.length === 1 ? text : `${of.join(', ')}: ${text}`,
  );
  return { why: lines.join('\n') };
}

/** A cause as it is told: a guess says that it is one. */
export const asTold = ({ cause, sure }: Explanation): string => (sure ? cause : `likely: ${cause}`);

function messageOf(roots: readonly FailedDerivation[], { layerOf }: KnownDerivations): string {
  const [first] = roots;
  return roots.length === 1 && first
    ? `The build of ${nameOf(first.drvPath)} failed: ${reasonOf(first.message)}.`
    : `${roots.length} builds failed: ${roots.map(describeIn(layerOf)).join(', ')}.`;
}

function general(errors: readonly string[]): Failure {
  const found = findCause({ build: errors });
  return new Failure('Nix could not build or fetch what the image needs.', {
    evidence: linesOf(errors).slice(-shownLines),
    ...(found ? { why: asTold(found) } : {}),
    next: found?.remedy ?? 'Run nix-store --realise with the derivation to see more.',
  });
}

const describeIn = (layerOf: KnownDerivations['layerOf']) => (one: FailedDerivation) => {
  const layer = layerOf?.(one.drvPath);
  const place = layer === undefined ? '' : ` of ${layer}`;
  return `${nameOf(one.drvPath)}${place} (${reasonOf(one.message)})`;
};

/**
 * Why a build failed, in a few words. 2.8: "error: builder for '….drv' failed with exit code 3"; 2.34:
 * "error: Cannot build '….drv'." and below it "Reason: builder failed with exit code 3.", both of them
 * below where it was imported, if it was.
 */
export function reasonOf(message: string): string {
  const reason = /^\s*Reason: (.*?)\.?$/m.exec(message)?.[1];
  if (reason !== undefined) return reason;
  const line = /^\s*error: *(\S.*)$/m.exec(message)?.[1] ?? '';
  const words = line
    .replace(/^building (of|derivation) '\/[^']*'( from \.drv file)? /, '')
    .replace(/ (for|of derivation)? ?'\/[^']*'/, '');
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
