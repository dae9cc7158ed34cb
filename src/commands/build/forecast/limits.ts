import { Failure } from '../../../host/failure.ts';
import type { RunLimit } from '../../../inputs/run-limits.ts';
import type { BuildSettings } from '../../../inputs/settings.ts';
import type { Forecast } from '../../../record/types.ts';
import { foreseenLimitSentence } from '../../../report/run-limits.ts';

/** Why a run is not begun: it would break a limit. Undefined where it would not, as far as is known. */
export function refusalOfForecast(
  forecast: Forecast,
  { limits, limitsMode }: Pick<BuildSettings, 'limits' | 'limitsMode'>,
): Failure | undefined {
  if (limitsMode !== 'fail') return undefined;
  const broken = limits.flatMap(limit => {
    const found = amountOf(limit, forecast);
    const isKept =
      found === undefined || (limit.inclusive ? found <= limit.bound : found < limit.bound);
    return isKept ? [] : [foreseenLimitSentence(limit, found)];
  });
  if (broken.length === 0) return undefined;
  return new Failure(broken.join(' '), {
    tried: 'Nothing was built and no tag was moved.',
    next: 'comfy-nix plan says what would be made, and why; raise the limit, or set `limits-mode: warn`.',
  });
}

function amountOf({ quantity }: RunLimit, forecast: Forecast): number | undefined {
  switch (quantity) {
    case 'build-time':
      return forecast.seconds;
    case 'fetched':
      return forecast.fetchBytes;
    case 'sent':
      return forecast.send.bytes;
    case 'pull':
      return forecast.pull?.bytes;
    default:
      return undefined;
  }
}
