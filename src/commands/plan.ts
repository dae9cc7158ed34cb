import { explain, Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { checkOutput, writeOutput } from '../host/output-file.ts';
import type { PlanSettings } from '../inputs/settings.ts';
import { program } from '../record/program.ts';
import { recordText } from '../record/text.ts';
import type { ImagePlan, PlanRecord } from '../record/types.ts';
import { planMarkdown, planText } from '../report/plan.ts';
import { type VerbOutcome, withOutcome } from './outcome.ts';
import { foreseeImage } from './plan/image.ts';
import { onlyLooking } from './plan/looking.ts';

/** What is asked for by `--exit-code` where there is something to do. */
const somethingToDo = 3;

/**
 * Tells what builds of images would do: what they would make, fetch and send, and why. Builds nothing, and
 * writes nothing but the file that the input `record` names. Rejects with a `VerbFailure` that carries
 * what is known of the others where one of the images cannot be told of.
 */
export async function plan(settings: PlanSettings, host: Host): Promise<VerbOutcome> {
  const startedAt = host.clock();
  if (settings.recordFile !== undefined) await checkOutput(settings.recordFile);
  const images: ImagePlan[] = [];
  const failures: Failure[] = [];
  const { looking, leftOut, exports } = await onlyLooking(settings, host, async looking => {
    // one after the other: an evaluation takes a core and gigabytes of memory
    for (const flake of settings.flakes) {
      try {
        images.push(await looking.at(flake, foreseeImage));
      } catch (error) {
        if (!(error instanceof Failure) || host.signal?.aborted) throw error;
        failures.push(error);
      }
    }
    return looking;
  });
  const record: PlanRecord = {
    version: 1,
    program: `${program.name} ${program.version}`,
    nix: looking.version(),
    seconds: Math.round(host.clock() - startedAt) / 1000,
    leftOut,
    images,
  };
  const outcome = outcomeOf(record, settings, exports);
  if (settings.recordFile !== undefined) {
    await writeOutput(settings.recordFile, recordText(record), host);
  }
  if (failures.length > 0) throw withOutcome(failureOf(failures, images), outcome);
  return outcome;
}

function outcomeOf(
  record: PlanRecord,
  { recordFile, exitCode }: PlanSettings,
  exports: VerbOutcome['exports'],
): VerbOutcome {
  const isDone = record.images.every(({ upToDate }) => upToDate === true);
  return {
    plan: record,
    report: { text: planText(record), markdown: planMarkdown(record) },
    outputs: { plan: record, 'up-to-date': isDone, record: recordFile },
    ...(exports ? { exports } : {}),
    ...(exitCode && !isDone ? { exitCode: somethingToDo } : {}),
  };
}

/** One is told as it is; of several, what the others say. */
function failureOf(failures: readonly Failure[], images: readonly ImagePlan[]): Failure {
  const [first, ...others] = failures;
  if (first !== undefined && others.length === 0 && images.length === 0) return first;
  return new Failure(
    `${failures.length} of ${failures.length + images.length} images cannot be told of.`,
    {
      evidence: failures.flatMap(failure => explain(failure).split('\n')),
      next: 'Mend them; what is said of the others holds.',
    },
  );
}
