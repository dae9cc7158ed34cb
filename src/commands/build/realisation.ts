import { join } from 'node:path';
import type { Origin } from '../../host/events.ts';
import type { Host } from '../../host/host.ts';
import { inPhase } from '../../host/phase.ts';
import { inSpan } from '../../host/span.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { type Attribution, attributable, attribute } from '../../nix/attribution.ts';
import { readDerivationGraph } from '../../nix/derivation.ts';
import { realise } from '../../nix/realise.ts';
import { layersOf, namedTargets } from '../../nix/recipe-layers.ts';
import { queryValid } from '../../nix/store.ts';
import type { DerivationOutput, LayerTarget, Nix, NixEvent } from '../../nix/types.ts';
import type { BuildCaches } from './caches.ts';
import type { ImageContext } from './context.ts';
import { tellNixTime } from './nix-events/nix-time.ts';
import { progressEvent } from './nix-events/progress-event.ts';
import { sumsOfRuns } from './nix-events/run-sums.ts';
import { type Provider, type ProviderContext, startProviding } from './provide.ts';
import { evaluateWithoutCommit } from './without-commit.ts';

/** Outputs on their way into the store. */
export interface Realisation {
  /**
   * Resolves when the outputs are valid in the store. What was not in the first batch is realised by a
   * run of Nix of its own. Rejects with the `Failure` of the build that failed.
   */
  have(...outputs: readonly DerivationOutput[]): Promise<void>;
  /** Whether somebody has asked for the output; without one, for any. */
  wants(output?: DerivationOutput): boolean;
  /** Whether somebody has asked for the output, and it is there by now. */
  has(output: DerivationOutput): boolean;
  /** Where an output came from; `skipped` when nobody needed it. */
  originOf(output: DerivationOutput): Origin;
  /** Resolves when no Nix is running any more; never rejects. */
  ended(): Promise<void>;
}

/** What realising works with. */
interface RealisationWork {
  nix: Nix;
  host: Host;
  provider: Provider;
  /** All layer targets in order: work is attributed to the first that needs it. */
  layers: readonly LayerTarget[];
  /** Outputs that the store has, where it was asked for all of the first batch. */
  here?: ReadonlySet<string> | undefined;
  /** Links in it protect the outputs from garbage collection. */
  rootsDirectory: string;
  /** Hears what Nix says in words, and knows the caches that fail. */
  caches?: Pick<BuildCaches, 'hear' | 'failing'> | undefined;
}

/**
 * Starts realising `first` in one run of Nix, and passes its events on with the layer that each
 * belongs to.
 */
function startRealisation(first: readonly DerivationOutput[], work: RealisationWork): Realisation {
  const { nix, host, provider, layers, rootsDirectory, caches } = work;
  const wanted = new Map<string, DerivationOutput & { there: PromiseWithResolvers<void> }>();
  const settled = new Set<string>();
  const valid = new Set<string>();
  const validBefore = new Set(work.here);
  const built = new Set<string>();
  const substituted = new Set<string>();
  const running: Promise<void>[] = [];
  const nextSums = sumsOfRuns();

  const settle = (outPath: string) => {
    settled.add(outPath);
    wanted.get(outPath)?.there.resolve();
  };

  /** An output counts as there when it is known, too, how it came: Nix's events may lag behind. */
  const settleIfKnown = (output: DerivationOutput) => {
    const { outPath, drvPath } = output;
    const known = validBefore.has(outPath) || substituted.has(outPath) || built.has(drvPath);
    if (known && valid.has(outPath)) settle(outPath);
  };

  const learn = (event: NixEvent) => {
    if (event.type === 'build-start') built.add(event.drvPath);
    else if (event.type === 'substitute-start') substituted.add(event.path);
    else if (event.type === 'output-valid') valid.add(event.outPath);
    else return;
    for (const output of wanted.values()) settleIfKnown(output);
  };

  const missingOf = (outputs: readonly DerivationOutput[]) =>
    outputs.filter(({ outPath }) => !validBefore.has(outPath));

  const askFor = async (outputs: readonly DerivationOutput[]) => {
    const unsure = missingOf(outputs).map(({ outPath }) => outPath);
    const asking = () => queryValid({ ...nix, host }, unsure);
    for (const path of await inSpan(host, { kind: 'store' }, asking)) validBefore.add(path);
  };

  const run = async (outputs: readonly DerivationOutput[], isAsked: boolean) => {
    if (!isAsked) await askFor(outputs);
    const provided = await provider.nixFor(missingOf(outputs));
    const { tell, layerOf, told } = attributed(outputs, layers, host);
    const time = tellNixTime(host);
    const summed = nextSums();
    const onEvent = (event: NixEvent) => {
      learn(event);
      time.take(event);
      if (event.type === 'message') caches?.hear(event.text);
      else tell(summed(event));
    };
    try {
      await realise(provided, outputs, {
        ...{ rootsDirectory, onEvent, layerOf, valid: validBefore, caches: caches?.failing },
      });
    } finally {
      time.end();
      await inSpan(host, { kind: 'plan' }, () => told);
    }
  };

  const begin = (outputs: readonly DerivationOutput[], isAsked = false) => {
    const begun = outputs.map(output => ({ ...output, there: Promise.withResolvers<void>() }));
    for (const output of begun) {
      output.there.promise.catch(() => undefined); // the failure is told to whoever asks
      wanted.set(output.outPath, output);
    }
    running.push(
      run(outputs, isAsked).then(
        () => {
          for (const { outPath } of begun) settle(outPath);
        },
        error => {
          for (const { there } of begun) there.reject(error);
        },
      ),
    );
  };

  if (first.length > 0) begin(first, work.here !== undefined);
  return {
    have: async (...outputs) => {
      const unasked = outputs.filter(({ outPath }) => !wanted.has(outPath));
      if (unasked.length > 0) begin(unasked);
      await Promise.all(outputs.map(({ outPath }) => wanted.get(outPath)?.there.promise));
    },
    wants: output => (output ? wanted.has(output.outPath) : wanted.size > 0),
    has: output => settled.has(output.outPath),
    originOf: output => {
      if (built.has(output.drvPath)) return 'built';
      if (substituted.has(output.outPath)) return 'substituted';
      return wanted.has(output.outPath) ? 'local' : 'skipped';
    },
    ended: async () => {
      await Promise.all(running);
    },
  };
}

/**
 * Translates Nix's events into the run's, with layers. They are held back until the derivations are
 * read, which takes a moment for a large graph while Nix is working already.
 */
function attributed(
  outputs: readonly DerivationOutput[],
  layers: readonly LayerTarget[],
  host: Host,
): {
  tell: (event: NixEvent) => void;
  layerOf: (path: string) => string | undefined;
  /** Resolves when nothing is held back any more; never rejects. */
  told: Promise<void>;
} {
  const early: NixEvent[] = [];
  let attribution: Attribution | undefined;
  let pass: (event: NixEvent) => void = event => early.push(event);
  const layerOf = (path: string) => attribution?.layerOf(path);
  const release = () => {
    pass = event => {
      const told = progressEvent(event, layerOf);
      if (told) host.emit(told);
    };
    for (const event of early) pass(event);
  };
  const drvPaths = outputs.map(output => output.drvPath);
  const wanted = attributable(layers, outputs);
  const told = readDerivationGraph(drvPaths).then(
    graph => {
      attribution = attribute(graph, wanted);
      release();
    },
    release, // without the graph, work belongs to no layer
  );
  return { tell: event => pass(event), layerOf, told };
}

/** Where a run keeps the links that protect from garbage collection what it has realised. */
export const rootsOf = ({ temporaryDirectory }: BuildSettings): string =>
  join(temporaryDirectory, 'comfy-nix-roots');

/**
 * Does `work` while Nix realises `first`; afterwards no Nix runs any more. After a
 * failed build the others are still finished; a failed transfer ends them with the run, since it
 * may take hours until they are done.
 */
export async function whileRealising<T>(
  first: readonly DerivationOutput[],
  context: ProviderContext & Pick<ImageContext, 'here'>,
  host: Host,
  work: (realisation: Realisation) => Promise<T>,
): Promise<T> {
  const { nix, evaluation, settings, state, here } = context;
  const layers = namedTargets(layersOf(evaluation));
  const provider = startProviding(context, host);
  const rootsDirectory = rootsOf(settings);
  return inPhase(host, 'realise', async () => {
    const parts = { nix, host, provider, layers, rootsDirectory, caches: state.caches };
    const realisation = startRealisation(first, { ...parts, here: here && new Set(here.keys()) });
    const endEvaluation = first.length > 0 ? evaluateWithoutCommit(context, host) : undefined;
    try {
      // a disk that the user has cleared is cleared in any case
      if (first.length === 0) await provider.nixFor([]);
      return await work(realisation);
    } finally {
      await inSpan(host, { kind: 'nix' }, async () => {
        await endEvaluation?.();
        await realisation.ended();
        await provider.ended();
      });
    }
  });
}
