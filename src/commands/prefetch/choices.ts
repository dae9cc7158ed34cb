import type { Choice, Gap } from '../../wheels/choose.ts';
import type { Fitting } from '../../wheels/fit.ts';
import { askingFor, isExact } from './asking.ts';
import { chooseByUv } from './by-uv.ts';
import { findExact } from './exact.ts';
import { type Held, heldIn } from './held.ts';
import type { PrefetchRun } from './run.ts';
import { followAll } from './whole.ts';

export type Result = Choice | Gap | Held;

/** What each variant is to have: as it is written, or as uv chooses where a choice is left. */
export async function chooseWheels(run: PrefetchRun): Promise<Result[]> {
  const askings = run.wanted.variants.map(variant => askingFor(variant, run));
  const exact = await findExact(askings.filter(isExact), run);
  const results: Result[] = [];
  const open = [];
  for (const asking of askings) {
    const found = exact.get(asking);
    if (found && (!asking.isWhole || (await isComplete(found, run)))) results.push(...found);
    else if (run.settings.check) results.push(...asking.locked, ...heldIn(asking, run));
    else open.push(asking);
  }
  if (open.length > 0) results.push(...(await chooseByUv(open, run)));
  return results;
}

async function isComplete(results: readonly Result[], run: PrefetchRun): Promise<boolean> {
  const wheels = results.flatMap(result => fittingChoice(result) ?? []);
  const { texts } = await run.readMetadata(wheels);
  // what a wheel that tells nothing requires is known to uv alone
  if (texts.size < wheels.length) return false;
  return [...followAll(wheels, texts, run).values()].every(({ missing }) => missing.length === 0);
}

/** A wheel that was chosen, as what has to go with the others. */
export function fittingChoice(result: Result): Fitting | undefined {
  if (result.kind !== 'chosen') return undefined;
  const { variant, version, file, wheel, isResolved } = result;
  const { name, ignoredRequirements } = wheel;
  const { filename, metadata } = file;
  return { variant, name, filename, version, metadata, ignoredRequirements, isResolved };
}
