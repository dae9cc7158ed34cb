import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Emit } from '../host/events.ts';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { visible } from '../host/visible.ts';
import { within } from '../host/wait.ts';
import { kindOf } from './causes/kind.ts';
import { readDerivationNode } from './derivation.ts';
import { describeTarget } from './describe-target.ts';
import { createEventReader, type FailedDerivation } from './events.ts';
import { existingNames } from './existing-names.ts';
import { asAddress } from './flake-reference.ts';
import { contextSchema, type ReferredPaths, resolveFolders } from './folders.ts';
import { level } from './internal-json.ts';
import { isDerivationPath, isPlaceholder } from './names.ts';
import { runNix } from './nix.ts';
import { describeProvenance } from './provenance.ts';
import { outputOf, readRecipe } from './recipe.ts';
import { namedTargets, targetsOf } from './recipe-layers.ts';
import { readDerivation } from './shape.ts';
import type { DerivationOutput, Evaluation, Nix, NixEvent, Provenance, Recipe } from './types.ts';

/** What to evaluate, and how. */
export interface EvaluationRequest {
  /** Tried in turn; the next one only when a flake does not have the one before. */
  installables: readonly string[];
  overrideInputs: readonly { input: string; flake: string }[];
  /** Where relative flake references start. */
  cwd: string;
  /** Whether settings that the flake brings (`nixConfig`) are taken over. */
  acceptFlakeConfig: boolean;
  /** Whether to say, too, where packages are defined and which are not free. */
  provenance?: boolean;
  /** Told which files Nix is fetching, whenever that changes: inputs, and what it takes from caches. */
  onFetch?: (addresses: readonly string[]) => void;
}

/** What {@link describeTarget} gives, and {@link describeProvenance} where it is asked for. */
export const descriptionSchema = v.object({
  target: v.unknown(),
  image: v.object({ name: v.nullable(v.string()), tag: v.nullable(v.string()) }),
  recipe: v.unknown(),
  folders: v.unknown(),
  config: v.unknown(),
  context: contextSchema,
  provenance: v.optional(
    v.object({
      own: v.array(v.string()),
      nixpkgs: v.array(v.string()),
      unfree: v.array(v.object({ drv: v.string(), licence: v.string() })),
    }),
  ),
});
type Description = v.InferOutput<typeof descriptionSchema>;

const describeWithProvenance = `target:
  (${describeTarget}) target // { provenance = (${describeProvenance}) target; }`;

/**
 * Evaluates a flake's target with its recipe, all layers included, in one Nix process (one more for
 * each installable that a flake does not have). Nothing is built but what the flake imports; derivations
 * are written to the store.
 * Rejects with a {@link Failure} for what Nix refuses, and for a recipe of the wrong shape.
 */
export async function evaluate(nix: Nix, request: EvaluationRequest): Promise<Evaluation> {
  const missing: string[] = [];
  for (const installable of request.installables) {
    const { description, locked, errors, failed } = await describe(nix, installable, request);
    if (description) return { ...evaluationOf(installable, description, nix), locked };
    const { evaluationFailure, isMissingAttribute } = await import('./evaluation-failure.ts');
    if (!isMissingAttribute(installable, errors)) {
      throw evaluationFailure(installable, errors, evaluatedAt(nix, request, failed));
    }
    missing.push(...errors);
  }
  const { missingAttribute } = await import('./evaluation-failure.ts');
  throw missingAttribute(request.installables, missing, await siblingNames(nix, request, missing));
}

/** What is known of an evaluation that failed. */
export const evaluatedAt = (
  nix: Nix,
  request: EvaluationSettings,
  failed: readonly FailedDerivation[],
) => ({ ...request, failed, kindOf: (drvPath: string) => kindOf(drvPath, nix.place) });

/** Names of the packages that the flake has for the system that Nix has looked at. */
function siblingNames(
  nix: Nix,
  request: EvaluationRequest,
  errors: readonly string[],
): Promise<readonly string[]> {
  const { cwd } = request;
  const [flake = '.'] = (request.installables[0] ?? '.').split('#');
  const system = /'packages\.([\w-]+)\./.exec(errors.join('\n'))?.[1];
  if (system === undefined) return Promise.resolve([]);
  return existingNames(
    nix,
    asAddress(`${flake}#packages.${system}`, cwd),
    flakeOptions(request),
    cwd,
  );
}

/** How Nix is told to take a flake: its settings, and inputs in place of its own. */
const flakeOptions = ({ acceptFlakeConfig, overrideInputs, cwd }: EvaluationSettings): string[] => [
  ...['--option', 'accept-flake-config', String(acceptFlakeConfig)],
  ...overrideArguments(overrideInputs, cwd),
];

/** How Nix is told which inputs are replaced. */
export const overrideArguments = (
  inputs: EvaluationRequest['overrideInputs'],
  cwd: string,
): string[] =>
  inputs.flatMap(({ input, flake }) => ['--override-input', input, asAddress(flake, cwd)]);

/** How one evaluation ended. */
interface Applied {
  /** JSON; undefined where Nix could not evaluate it. */
  printed?: string | undefined;
  /** Whether the lock file has all inputs. */
  locked: boolean;
  errors: readonly string[];
  /** Builds that it needed, and that did not come to their end. */
  failed: readonly FailedDerivation[];
}

async function describe(
  nix: Nix,
  installable: string,
  request: EvaluationRequest,
): Promise<Omit<Applied, 'printed'> & { description?: Description | undefined }> {
  const apply = request.provenance ? describeWithProvenance : describeTarget;
  const { printed, ...said } = await applyTo(nix, installable, apply, request);
  return { ...said, description: printed === undefined ? undefined : readDescription(printed) };
}

/** How an installable is evaluated. */
export type EvaluationSettings = Omit<EvaluationRequest, 'installables' | 'provenance'>;

/** Applies a function of Nix's language to what a flake has at the installable. */
export async function applyTo(
  nix: Nix,
  installable: string,
  apply: string,
  request: EvaluationSettings,
): Promise<Applied> {
  const { reader, take, isLocked, end } = followLog(request, nix.host);
  const args = [
    ...['eval', '--json', '--log-format', 'internal-json'],
    ...flakeOptions(request),
    ...['--apply', apply],
    ...['--', asAddress(installable, request.cwd)],
  ];
  const more = { cwd: request.cwd, limit: 'none', onStderrLine: take } as const;
  const limit = { what: `Nix to evaluate ${installable}`, ms: patience.evaluation };
  const { code, stdout } = await within(limit, nix.host, (signal, onOutput) =>
    runNix(nix, 'nix', args, { ...more, signal, onOutput }),
  ).catch((error: unknown) => {
    end(true);
    throw error;
  });
  end(code !== 0);
  const printed = code === 0 ? stdout : undefined;
  const errors = code === null ? [...reader.errors(), killed] : reader.errors();
  return { printed, locked: isLocked(), errors, failed: reader.failed() };
}

/** Reads what Nix says while it evaluates, and tells of it: files that it fetches, builds, warnings. */
function followLog(request: EvaluationSettings, { emit, clock }: Host) {
  const reader = createEventReader();
  const fetches = tellFetches({ emit, clock });
  let locked = true;
  const take = (line: string) => {
    const events = reader.read(line, clock());
    const files = reader.fetching();
    // a line tells of the beginning or end of one
    if (fetches.take(files.length)) request.onFetch?.(files);
    for (const event of events) {
      tellBuild(event, emit);
      if (event.type !== 'message' || event.level !== level.warning) continue;
      const isOfLock = isAboutLockFile(event.text);
      if (isOfLock) locked = false;
      if (isOfLock && request.overrideInputs.length > 0) continue;
      emit({ type: 'notice', message: event.text, at: event.at });
    }
  };
  const end = (failed: boolean) => {
    fetches.take(0);
    for (const derivation of reader.running()) {
      emit({ type: 'build-end', derivation, failed, at: clock() });
    }
  };
  return { reader, take, end, isLocked: () => locked };
}

/** Tells of the times in which files are fetched: while Nix evaluates those are mostly inputs of the flake. */
function tellFetches({ emit, clock }: Pick<Host, 'emit' | 'clock'>) {
  let fetching = 0;
  let startedAt = 0;
  return {
    /** Takes how many are being fetched now; whether that has changed. */
    take(files: number): boolean {
      const isChanged = files !== fetching;
      if (fetching === 0 && files > 0) startedAt = clock();
      if (fetching > 0 && files === 0)
        emit({ type: 'span', kind: 'inputs', startedAt, at: clock() });
      fetching = files;
      return isChanged;
    },
  };
}

/** What is built while Nix evaluates belongs to no layer: which ones there are is not known yet. */
function tellBuild(event: NixEvent, emit: Emit): void {
  if (event.type !== 'build-start' && event.type !== 'build-log' && event.type !== 'build-end')
    return;
  const { drvPath: derivation, ...rest } = event;
  emit({ derivation, ...rest });
}

/** A process that a signal has ended says nothing itself. */
const killed = 'Nix was killed while it evaluated.';

/**
 * What evaluation printed; what lies in target, recipe and config is the flake's, and is checked by
 * who reads it. Throws a {@link Failure}.
 */
export const readDescription = (printed: string): Description =>
  readPrinted(descriptionSchema, printed);

/** The same of any JSON that this program asks Nix to print. Throws a {@link Failure}. */
export function readPrinted<Schema extends v.GenericSchema>(
  schema: Schema,
  printed: string,
): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(printed));
  } catch (cause) {
    throw new Failure('What Nix has evaluated is not understood.', {
      tried: 'Reading what nix eval --json printed.',
      next: 'See that nix is Nix itself, and no program that stands in for it.',
      cause,
    });
  }
}

/**
 * Nix tells of a lock file that it would have to write or to change. Of inputs that are overridden, which
 * are never locked, that helps nobody to know.
 */
const isAboutLockFile = (text: string) =>
  /\b(not writing modified|will not write|creating|updating) lock file\b/.test(text);

/** What a description says, checked against the store. Throws a {@link Failure}. */
export function evaluationOf(
  installable: string,
  found: Description,
  nix: Nix,
): Omit<Evaluation, 'locked'> {
  const target = readDerivation({ at: installable, value: found.target });
  const recipe = found.recipe === null ? undefined : recipeOf(found, nix);
  const targets = namedTargets(recipe?.layers ?? []);
  const outputs = [outputOf(target), ...targets, ...(recipe?.root ?? [])];
  for (const output of outputs) checkOutput(output, nix);
  const system = target.system ?? readDerivationNode(target.drv, nix.place).system;
  return {
    installable,
    target: { ...outputOf(target), name: target.name },
    imageName: found.image.name ?? undefined,
    imageTag: found.image.tag ?? undefined,
    system,
    recipe,
    ...(found.provenance ? { provenance: provenanceOf(found.provenance) } : {}),
  };
}

/**
 * An output is what its derivation makes, and no other path of this machine: evaluation gives what
 * the flake calls derivation and output, and that may be any text.
 */
function checkOutput(
  { drvPath, outputName, outPath }: DerivationOutput,
  { storeDir, place }: Nix,
): void {
  const isInStore = isDerivationPath(drvPath) && dirname(drvPath) === storeDir;
  const made = isInStore ? readDerivationNode(drvPath, place).outputs.get(outputName) : undefined;
  if (made === outPath || (made === '' && isPlaceholder(outPath))) return;
  throw new Failure(
    `${visible(outPath)} is not what ${visible(drvPath)} makes as its output "${visible(outputName)}".`,
    {
      tried: 'What evaluation says of an output was compared with its derivation.',
      next: 'Take out of the flake what gives a derivation another outPath or drvPath.',
    },
  );
}

/** Throws a {@link Failure} that names the field whose output's path is not known before it is built. */
export function requireKnownOutputs({ installable, target, recipe }: Evaluation): void {
  const fields: { at: string; output: DerivationOutput }[] = [
    { at: installable, output: target },
    ...(recipe?.layers ?? []).flatMap((layer, at) =>
      targetsOf(layer).map((output, place) => ({
        at: `recipe.layers[${at}].target${'targets' in layer ? `s[${place}]` : ''}`,
        output,
      })),
    ),
    ...(recipe?.root ?? []).map((output, at) => ({ at: `recipe.root[${at}]`, output })),
  ];
  const unknown = fields.find(({ output }) => isPlaceholder(output.outPath));
  if (unknown === undefined) return;
  const { drvPath, outputName } = unknown.output;
  throw new Failure(
    `${unknown.at}: the path of the output "${visible(outputName)}" of ${drvPath} is not known before it is built.`,
    { next: 'Use a derivation that is neither content-addressed nor impure.' },
  );
}

/** What is no derivation's path names none: a package's set can be overridden with anything. */
const provenanceOf = ({
  own,
  nixpkgs,
  unfree,
}: NonNullable<Description['provenance']>): Provenance => ({
  own: new Set(own.filter(isDerivationPath)),
  nixpkgs: new Set(nixpkgs.filter(isDerivationPath)),
  unfree: new Map(
    unfree.filter(({ drv }) => isDerivationPath(drv)).map(({ drv, licence }) => [drv, licence]),
  ),
});

function recipeOf({ recipe, config, folders, context }: Description, nix: Nix): Recipe {
  const written = readRecipe(recipe, config, folders);
  const resolved = resolveFolders(written.folders, nix);
  const byConfig = pathsReferredTo(context, nix);
  const outputs = [...resolved.outputs, ...byConfig.outputs];
  return {
    ...written,
    folders: resolved.folders,
    referredOutputs: [...new Map(outputs.map(output => [output.outPath, output])).values()],
    referredSources: [...new Set([...resolved.sources, ...byConfig.sources])],
  };
}

function pathsReferredTo(context: Description['context'], nix: Nix): ReferredPaths {
  const uses = Object.entries(context);
  // text with a derivation's own path in it refers to that file as to any other
  const sources = uses.filter(([, use]) => use.path || use.allOutputs);
  return {
    outputs: uses.flatMap(([path, use]) => outputsUsed(path, use.outputs, nix)),
    sources: sources.map(([path]) => path),
  };
}

/** Evaluation names a config's outputs by derivation and output name; their paths are in the store. */
function outputsUsed(
  drvPath: string,
  names: readonly string[] = [],
  { place }: Nix,
): DerivationOutput[] {
  if (names.length === 0) return [];
  const { outputs } = readDerivationNode(drvPath, place);
  return names.map(outputName => {
    const outPath = outputs.get(outputName);
    if (outPath) return { drvPath, outputName, outPath };
    throw new Failure(
      `recipe.config refers to the output "${outputName}" of ${drvPath}, whose path is not known before it is built.`,
      { next: 'Refer to a derivation that is not content-addressed.' },
    );
  });
}
