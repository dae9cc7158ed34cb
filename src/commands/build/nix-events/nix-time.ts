import type { Host } from '../../../host/host.ts';
import type { NixEvent } from '../../../nix/types.ts';

/** Watches one process of Nix. */
export interface NixTime {
  take(event: NixEvent): void;
  /** To be called when the process has ended. */
  end(): void;
}

/** Tells of the times in which Nix runs and builds and fetches nothing: it asks caches, and decides. */
export function tellNixTime({ emit, clock }: Pick<Host, 'emit' | 'clock'>): NixTime {
  const running = new Map<string, number>();
  let idleSince = clock();
  const tell = (at: number) => emit({ type: 'span', kind: 'nix', startedAt: idleSince, at });
  const begin = (work: string, at: number) => {
    if (running.size === 0) tell(at);
    running.set(work, at);
  };
  const finish = (work: string, at: number) => {
    if (!running.delete(work)) return;
    idleSince = Math.max(idleSince, at);
    // the end of a build may become known when the next one has begun
    const next = Math.min(...running.values());
    if (running.size > 0 && next > idleSince) tell(next);
  };
  return {
    take(event) {
      if (event.type === 'build-start') begin(event.drvPath, event.at);
      else if (event.type === 'build-end') finish(event.drvPath, event.at);
      else if (event.type === 'substitute-start') begin(event.path, event.at);
      else if (event.type === 'substitute-end') finish(event.path, event.at);
    },
    end() {
      if (running.size === 0) tell(clock());
    },
  };
}
