import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { textAt } from '../../host/presence.ts';
import { requireHome } from '../../host/user.ts';
import type { CacheSettings } from '../../inputs/settings.ts';

/** A note on this machine that a run builds things which caches are to get. */
export interface PushNote {
  /**
   * When the first run began of which the note is left, because it was killed: what was built since then
   * may lack in the caches. Milliseconds since the epoch.
   */
  since?: number;
  /** The caches have all by now. */
  remove(): Promise<void>;
}

/**
 * Notes that a run begins; there is one note for the same caches. It is a help only: where the user's
 * state cannot be written, nothing is noted and nothing found.
 */
export async function notePushes(caches: CacheSettings, host: Host): Promise<PushNote> {
  const file = noteFile(caches, host.env);
  const left = (await textAt(file)) ?? '';
  const since = /^\d+$/.test(left) ? Number(left) : undefined;
  if (since === undefined) {
    await mkdir(dirname(file), { recursive: true })
      .then(() => writeFile(file, String(host.clock())))
      .catch(() => undefined);
  }
  return {
    ...(since === undefined ? {} : { since }),
    remove: () => rm(file, { force: true }).catch(() => undefined),
  };
}

/** In the folder for the state of programs (XDG Base Directory Specification). */
function noteFile({ cachix, binaryCaches }: CacheSettings, env: Host['env']): string {
  const state = env.XDG_STATE_HOME || join(requireHome(env), '.local/state');
  const names = [...cachix.push.map(({ name }) => name), ...binaryCaches].sort().join('\n');
  const hash = createHash('sha256').update(names).digest('hex').slice(0, 16);
  return join(state, 'comfy-nix', `unfinished-pushes-${hash}`);
}
