import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import {
  describeVariants,
  globPattern,
  isGlob,
  type VariantSelection,
} from './describe-variants.ts';
import {
  applyTo,
  descriptionSchema,
  type EvaluationSettings,
  evaluate,
  evaluatedAt,
  evaluationOf,
  readPrinted,
} from './evaluate.ts';
import type { Evaluation, Nix } from './types.ts';

/** A target that is meant: what it is, or why that is not known. */
export type EvaluatedVariant = { attribute: string; installable: string } & (
  | { evaluation: Evaluation }
  | { failure: Failure }
);

/** The variants of an image that a flake has. */
export interface FlakeVariants extends VariantSelection {
  /** Without an attribute. */
  flake: string;
  /** Nix's name, such as "x86_64-linux". */
  system: string;
}

const variantsSchema = v.object({
  own: v.nullable(v.string()),
  targets: v.record(v.string(), v.nullable(descriptionSchema)),
});
type Variants = v.InferOutput<typeof variantsSchema>['targets'];

/** What Nix has printed of the variants. Throws a {@link Failure}. */
export const readVariants = (printed: string) => readPrinted(variantsSchema, printed);

/**
 * Evaluates the targets of `packages.SYSTEM` that are meant, in one Nix process; what cannot be evaluated
 * with the others is evaluated alone, and hides none. Of several names of one image one is given.
 * Rejects with a {@link Failure} for a flake that Nix refuses, and where nothing is meant.
 */
export async function evaluateVariants(
  nix: Nix,
  variants: FlakeVariants,
  settings: EvaluationSettings,
): Promise<EvaluatedVariant[]> {
  const { found, locked } = await findVariants(nix, variants, settings);
  const missing = (variants.patterns ?? []).filter(
    name => !isGlob(name) && !Object.hasOwn(found, name),
  );
  const names = [...Object.keys(found), ...missing].sort();
  const evaluated: EvaluatedVariant[] = [];
  for (const attribute of names) {
    const installable = `${variants.flake}#${quoted(attribute)}`;
    const description = found[attribute];
    const what = () =>
      description
        ? { ...evaluationOf(installable, description, nix), locked }
        : evaluate(nix, { ...settings, installables: [installable] });
    evaluated.push({ attribute, installable, ...(await attempt(what)) });
  }
  if (evaluated.length === 0) throw nothingMeant(variants, []);
  return withoutAliases(evaluated, variants.patterns ?? []);
}

async function attempt(
  what: () => Evaluation | Promise<Evaluation>,
): Promise<{ evaluation: Evaluation } | { failure: Failure }> {
  try {
    return { evaluation: await what() };
  } catch (failure) {
    if (failure instanceof Failure) return { failure };
    throw failure;
  }
}

interface Found {
  found: Variants;
  locked: boolean;
}

async function findVariants(
  nix: Nix,
  variants: FlakeVariants,
  settings: EvaluationSettings,
): Promise<Found> {
  const packages = `${variants.flake}#packages.${variants.system}`;
  const said = await applyTo(nix, packages, describeVariants(variants), settings);
  const { printed, errors, locked } = said;
  if (printed !== undefined) {
    const { own, targets } = readVariants(printed);
    if (variants.patterns === undefined && own === null) throw noOwnImage(variants);
    return { found: targets, locked };
  }
  const { isMissingAttribute } = await import('./evaluation-failure.ts');
  if (isMissingAttribute(packages, errors)) {
    const isNamed = variants.patterns?.every(name => !isGlob(name)) ?? false;
    if (isNamed) return { found: {}, locked };
    throw nothingMeant(variants, errors);
  }
  return { found: await findApart(nix, packages, variants, settings), locked };
}

/** Where one breaks more than itself: by halves, until it is alone. */
async function findApart(
  nix: Nix,
  packages: string,
  variants: FlakeVariants,
  settings: EvaluationSettings,
): Promise<Variants> {
  const all = await applyTo(nix, packages, 'builtins.attrNames', settings);
  if (all.printed === undefined) {
    const { evaluationFailure } = await import('./evaluation-failure.ts');
    throw evaluationFailure(packages, all.errors, evaluatedAt(nix, settings, all.failed));
  }
  const names = readPrinted(v.array(v.string()), all.printed);
  if (variants.patterns === undefined) await requireOwn(nix, names, variants, settings);
  const find = async (among: readonly string[]): Promise<Variants> => {
    if (among.length === 0) return {};
    const { printed } = await applyTo(nix, packages, describeVariants(variants, among), settings);
    if (printed !== undefined) return readVariants(printed).targets;
    if (among.length === 1) return Object.fromEntries(among.map(name => [name, null]));
    const half = Math.ceil(among.length / 2);
    return { ...(await find(among.slice(0, half))), ...(await find(among.slice(half))) };
  };
  return find(names.filter(isCalled(variants)));
}

/** The flake's own image says what is meant: without it nothing is known. */
async function requireOwn(
  nix: Nix,
  names: readonly string[],
  { flake, own }: FlakeVariants,
  settings: EvaluationSettings,
): Promise<void> {
  const [first] = own.filter(name => names.includes(name));
  if (first === undefined) return;
  await evaluate(nix, { ...settings, installables: [`${flake}#${quoted(first)}`] });
}

const isCalled = ({ patterns }: VariantSelection) => {
  const called = patterns?.map(pattern => new RegExp(`^${globPattern(pattern)}$`));
  return (name: string) => called?.some(pattern => pattern.test(name)) ?? true;
};

/** An attribute as a flake reference has it: a dot would part it. */
const quoted = (attribute: string) => (attribute.includes('.') ? `"${attribute}"` : attribute);

/** Of several names of one image: one that is wanted by it, else the one that says most. */
function withoutAliases(
  variants: readonly EvaluatedVariant[],
  wanted: readonly string[],
): EvaluatedVariant[] {
  const rank = ({ attribute }: EvaluatedVariant) =>
    (wanted.includes(attribute) ? 1000 : 0) + (attribute === 'default' ? 0 : attribute.length);
  const images = Map.groupBy(variants, each =>
    'failure' in each
      ? each.attribute
      : JSON.stringify([each.evaluation.target, each.evaluation.recipe]),
  );
  const chosen = [...images.values()].flatMap(
    names => names.toSorted((one, other) => rank(other) - rank(one))[0] ?? [],
  );
  return chosen.toSorted((one, other) => (one.attribute < other.attribute ? -1 : 1));
}

function noOwnImage({ flake, system, own }: FlakeVariants): Failure {
  return new Failure(`The flake ${flake} has no image of its own in packages.${system}.`, {
    tried: `The name of the recipe of ${own.join(', else of ')} was looked for.`,
    next: 'Name one in `flake`, such as .#comfyui, or name the targets in `variants`.',
  });
}

function nothingMeant(
  { flake, system, patterns, own }: FlakeVariants,
  errors: readonly string[],
): Failure {
  const sought = patterns?.join(', ') ?? `images called as ${own.join(', else ')}`;
  return new Failure(`The flake ${flake} has no variants: nothing in packages.${system} fits.`, {
    tried: `Images were looked for by \`variants\`: ${sought}.`,
    next: `nix flake show ${flake} lists what there is; * in a name stands for any text.`,
    evidence: errors,
  });
}
