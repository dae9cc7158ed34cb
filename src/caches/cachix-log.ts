import { stripVTControlCharacters } from 'node:util';

/** What the daemon's log says of store paths; of several attempts the last one counts. */
export interface DaemonLog {
  /** The cache has them: pushed now, or there before. */
  present: ReadonlySet<string>;
  /** Path → reason. */
  failed: ReadonlyMap<string, string>;
}

/**
 * Reads the log that `cachix daemon run` writes on standard output: lines of the form
 * `[time][Info][error:reason] Failed to push PATH`, `[time][Info] Pushed PATH` and `… Skipping PATH`
 * (Cachix.Daemon.PushManager, `newPushStrategy`). A reason may go over several lines.
 */
export function readDaemonLog(log: string): DaemonLog {
  const present = new Set<string>();
  const failed = new Map<string, string>();
  for (const entry of stripVTControlCharacters(log).split(/\n(?=\[\d{4}-)/)) {
    const said = /(Pushed|Skipping|Failed to push) (\/\S+)\s*$/.exec(entry);
    const [, verb, path] = said ?? [];
    if (path === undefined) continue;
    if (verb === 'Failed to push') {
      present.delete(path);
      failed.set(path, reasonOf(entry));
    } else {
      failed.delete(path);
      present.add(path);
    }
  }
  return { present, failed };
}

function reasonOf(entry: string): string {
  const reason = /\[error:(.*)\]/s.exec(entry)?.[1] ?? 'Cachix gives no reason';
  return reason.replace(/\s+/g, ' ').trim().slice(0, 500);
}
