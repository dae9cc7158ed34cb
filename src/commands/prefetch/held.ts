import { Failure } from '../../host/failure.ts';
import { pinOf } from '../../wheels/lock.ts';
import type { Pinned } from '../../wheels/pin.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { isAllowed } from '../../wheels/versions.ts';
import { type Asking, pinsFor } from './asking.ts';
import type { PrefetchRun } from './run.ts';

/** A pin that a check takes for what it is: versions are chosen by a run that writes. */
export interface Held extends Pinned {
  kind: 'held';
  ignoredRequirements: readonly string[];
  /** Whether its requirements were met by who chose the version. */
  isResolved: boolean;
}

/**
 * What the lock has of a variant, for a check.
 * @throws Failure where it lacks what is asked for
 */
export function heldIn(asking: Asking, run: PrefetchRun): Held[] {
  const { variant, rules, asked, locked, isWhole } = asking;
  const there = new Set(locked.map(({ wheel }) => wheel.name));
  const lacks = [...rules, ...asked].filter(({ name, versions }) => {
    const pin = pinOf(run.before, variant, name);
    return !there.has(name) && (pin === undefined || !isAllowed(pin.version, versions));
  });
  if (lacks.length > 0) {
    throw new Failure(`${run.settings.lockFile} is stale.`, {
      evidence: lacks.map(each => {
        const where = 'place' in each ? each.place : 'wheels.toml';
        const what = [each.name, each.versions].filter(text => text !== '').join(' ');
        return `it lacks ${what} of ${where} (${describeVariant(variant)})`;
      }),
      next: 'Run comfy-nix prefetch and commit the lock.',
    });
  }
  return pinsFor(asking, run).map(each => {
    const rule = rules.find(({ name }) => name === each.name);
    const ignoredRequirements = rule?.ignoredRequirements ?? [];
    return { ...each, kind: 'held', ignoredRequirements, isResolved: isWhole };
  });
}
