/**
 * Lets zlib compress on all cores: libuv's pool has four threads unless this variable says otherwise
 * before its first use, so an entry calls this first. A user's own setting stays.
 *
 * @param env the environment of this very process
 */
export function useAllCores(env: Record<string, string | undefined>, cores: number): void {
  if (cores > 4) env.UV_THREADPOOL_SIZE ??= String(Math.min(cores, 64));
}
