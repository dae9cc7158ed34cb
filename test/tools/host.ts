import type { ProgressEvent } from '../../src/host/events.ts';
import type { Host } from '../../src/host/host.ts';
import { processRunner } from '../../src/host/process.ts';

/** A host of which a test can see what was told. */
export interface WatchedHost extends Host {
  /** All that was emitted, in order. */
  events: ProgressEvent[];
  /** The texts of its warnings. */
  warnings: string[];
}

/**
 * A host that does nothing: next to no environment, a clock that stands still, and no programs. What a
 * worker uses of a machine is what the test gives it.
 */
export function quietHost(changes: Partial<Host> = {}): WatchedHost {
  const events: ProgressEvent[] = [];
  const warnings: string[] = [];
  return {
    env: { HOME: '/nonexistent' },
    clock: () => 0,
    run: async command => {
      throw new Error(`nothing is to be run: ${command.file}`);
    },
    emit: event => {
      events.push(event);
      if (event.type === 'warning') warnings.push(event.message);
    },
    events,
    warnings,
    ...changes,
  };
}

/** The same, and it runs programs, which see the environment that is given. */
export function hostWithPrograms(env: Host['env'] = {}, changes: Partial<Host> = {}): WatchedHost {
  return quietHost({ env, run: processRunner(env), ...changes });
}
