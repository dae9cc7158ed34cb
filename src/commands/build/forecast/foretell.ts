import { orElse } from '../../../host/failure.ts';
import { notice } from '../../../host/say.ts';
import type { BuildSettings } from '../../../inputs/settings.ts';
import type { ListedNeeds } from '../../../nix/disk-needs.ts';
import type { Forecast } from '../../../record/types.ts';
import type { ImageContext } from '../context.ts';
import type { Foreteller } from '../provide.ts';
import type { WhatToMake } from './forecast.ts';

/** Says what a run will do as soon as that is known, beside the run. */
export function startForetelling(context: ImageContext, plan: WhatToMake): Foreteller {
  const { state, settings } = context;
  let telling: Promise<unknown> | undefined;
  const tell = async (needs: ListedNeeds | undefined) => {
    const { foresee } = await import('./forecast.ts');
    const { forecastSentence } = await import('../../../report/forecast.ts');
    const all = await foresee(context, plan, needs);
    const forecast = settings.push ? all.forecast : withoutPush(all.forecast);
    state.predicted = forecast;
    notice(state.host, forecastSentence(forecast));
    return forecast;
  };
  /** Nobody waits for it: what is not known when the run ends is not told. */
  const explain = async (needs: ListedNeeds | undefined) => {
    if (needs === undefined || needs.builds + needs.fetched.length === 0) return;
    const { whyRecord } = await import('./why.ts');
    const why = await orElse(whyRecord(context, plan), undefined);
    if (why !== undefined && why.causes.length > 0) state.why = why;
  };
  const check = async (needs: ListedNeeds | undefined) => {
    const forecast = await tell(needs);
    const { foreseenLimits, refusalOfForecast } = await import('./limits.ts');
    const { forbiddenBuild } = await import('./forbidden.ts');
    const forbidden = await forbiddenBuild(settings.forbidBuilds, needs, context);
    const limits = settings.limitsMode === 'fail' ? foreseenLimits(forecast, settings.limits) : [];
    const refused = refusalOfForecast(limits);
    if (refused) state.limits = limits;
    const failure = forbidden ?? refused;
    if (failure) throw failure;
  };
  return {
    hear: async needs => {
      // where nothing is needed nothing is said; what turns out later was not to be foreseen
      if (plan.needed.length === 0 || telling !== undefined) return;
      const asked = mayEnd(settings) ? check(needs) : tell(needs);
      telling = asked.catch(() => undefined);
      telling.then(() => explain(needs)).catch(() => undefined);
      if (mayEnd(settings)) await asked;
    },
    ended: async () => {
      await telling;
    },
  };
}

/** Who pushes nothing sends nothing, and nobody pulls it. */
function withoutPush({ pull: _, ...forecast }: Forecast): Forecast {
  return { ...forecast, send: { bytes: 0, estimated: false, atLeast: false } };
}

/** Whether a run may end for what is foreseen of it. */
const mayEnd = ({ limits, limitsMode, forbidBuilds }: BuildSettings): boolean =>
  forbidBuilds.length > 0 || (limits.length > 0 && limitsMode === 'fail');
