/**
 * Gives the owner back what an odd umask takes: files that this user himself cannot open are of no use to
 * this program, nor to those that it starts.
 */
export function keepOwnRights(of: { umask(mask?: number): number }): void {
  const mask = of.umask();
  if ((mask & 0o700) !== 0) of.umask(mask & 0o077);
}
