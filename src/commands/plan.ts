import { explain, Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { checkOutput, writeOutput } from '../host/output-file.ts';
import type { PlanSettings } from '../inputs/settings.ts';
import { program } from '../record/program.ts';
import { recordText } from '../record/text.ts';
import type { ImagePlan, PlanRecord } from '../record/types.ts';
import { planMarkdown, planText } from '../report/plan.ts';
import { type VerbOutcome, withOutcome } from './outcome.ts';
import { onlyLooking } from './plan/looking.ts';
import { type PlannedVariant, tryMatrix } from './plan/matrix.ts';
import { foreseeRow, meantImages } from './plan/variants.ts';

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
  const rows: PlannedVariant[] = [];
  const failures: Failure[] = [];
  const { looking, leftOut, exports } = await onlyLooking(settings, host, async looking => {
    // one after the other: an evaluation takes a core and gigabytes of memory
    for (const asked of await meantImages(settings, looking, host)) {
      try {
        if ('failure' in asked) throw asked.failure;
        const { image, row } = await looking.at(asked, context => foreseeRow(asked, context));
        images.push(image);
        rows.push(row);
      } catch (error) {
        if (!(error instanceof Failure) || host.signal?.aborted) throw error;
        failures.push(error);
      }
    }
    return looking;
  });
  const { matrix, refusal: noMatrix } = tryMatrix(rows, settings.includeUnchanged);
  // who names flakes may want to know of them alone
  const refusal = settings.variants ? noMatrix : undefined;
  const record: PlanRecord = {
    version: 1,
    program: `${program.name} ${program.version}`,
    nix: looking.version(),
    seconds: Math.round(host.clock() - startedAt) / 1000,
    leftOut,
    images,
    ...(matrix ? { matrix } : {}),
  };
  const outcome = outcomeOf(record, settings, exports);
  if (settings.recordFile !== undefined) {
    await writeOutput(settings.recordFile, recordText(record), host);
  }
  const failure = failures.length > 0 ? failureOf(failures, images, refusal) : refusal;
  if (failure) throw withOutcome(failure, outcome);
  return outcome;
}

const rowOutputs = ({ matrix }: PlanRecord) =>
  matrix ? { matrix, any: matrix.include.length > 0, count: matrix.include.length } : {};

function outcomeOf(
  record: PlanRecord,
  { recordFile, exitCode }: PlanSettings,
  exports: VerbOutcome['exports'],
): VerbOutcome {
  const isDone = record.images.every(({ upToDate }) => upToDate === true);
  return {
    plan: record,
    report: { text: planText(record), markdown: planMarkdown(record) },
    outputs: { plan: record, ...rowOutputs(record), 'up-to-date': isDone, record: recordFile },
    ...(exports ? { exports } : {}),
    ...(exitCode && !isDone ? { exitCode: somethingToDo } : {}),
  };
}

/** One is told as it is; of several, what the others say. */
function failureOf(
  failures: readonly Failure[],
  images: readonly ImagePlan[],
  refusal: Failure | undefined,
): Failure {
  const [first, ...others] = failures;
  if (first !== undefined && others.length === 0 && images.length === 0) return first;
  return new Failure(
    `${failures.length} of ${failures.length + images.length} images cannot be told of.`,
    {
      evidence: [...failures, ...(refusal ? [refusal] : [])].flatMap(failure =>
        explain(failure).split('\n'),
      ),
      next: 'Mend them; what is said of the others holds.',
    },
  );
}
