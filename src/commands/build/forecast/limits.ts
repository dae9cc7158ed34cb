import { Failure } from '../../../host/failure.ts';
import { quantities, type RunLimit } from '../../../inputs/run-limits.ts';
import type { Forecast, LimitRecord } from '../../../record/types.ts';
import { foreseenLimitSentences } from '../../../report/run-limits.ts';

/** How a run will keep its limits, by what is foreseen of it. */
export function foreseenLimits(forecast: Forecast, limits: readonly RunLimit[]): LimitRecord[] {
  return limits.map(limit => {
    const { text, quantity, bound, inclusive } = limit;
    const found = amountOf(quantity, forecast);
    const told = { limit: text, unit: quantities[quantity], bound };
    if (found === undefined) return { ...told, kept: true };
    return { ...told, found, kept: inclusive ? found <= bound : found < bound };
  });
}

/** Why a run is not begun: it would break a limit. Undefined where it would not, as far as is known. */
export function refusalOfForecast(limits: readonly LimitRecord[]): Failure | undefined {
  const broken = foreseenLimitSentences(limits);
  if (broken.length === 0) return undefined;
  return new Failure(broken.join(' '), {
    tried: 'Nothing was built and no tag was moved.',
    next: 'comfy-nix plan says what would be made, and why; raise the limit, or set `limits-mode: warn`.',
  });
}

function amountOf(quantity: RunLimit['quantity'], forecast: Forecast): number | undefined {
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
