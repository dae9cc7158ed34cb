/** A signal that aborts with the first of these that does, and never where there is none. */
export function eitherSignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const given = signals.filter(signal => signal !== undefined);
  const [only] = given;
  return only !== undefined && given.length === 1 ? only : AbortSignal.any(given);
}
