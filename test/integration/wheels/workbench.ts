import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { prefetch } from '../../../src/commands/prefetch.ts';
import type { ProgressEvent } from '../../../src/host/events.ts';
import { processRunner } from '../../../src/host/process.ts';
import type { PrefetchSettings } from '../../../src/inputs/settings.ts';
import { type Lock, parseLock } from '../../../src/wheels/lock.ts';

/** A folder with a `wheels.toml`, in which `prefetch` is run. */
export interface Workbench {
  folder: string;
  wheelsFile: string;
  lockFile: string;
  want(toml: string): Promise<void>;
  /** Runs `prefetch`; resolves with its outputs. */
  run(changes?: Partial<PrefetchSettings>, env?: Record<string, string>): Promise<Outputs>;
  lockText(): Promise<string>;
  lock(): Promise<Lock>;
  /** All that was said, newest run last. */
  said(type?: 'notice' | 'warning'): string;
}

interface Outputs {
  changed?: unknown;
  changes?: unknown;
}

/** Files of one test alone, removed after it. */
export async function workbench(test: TestContext): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), 'wheels-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const wheelsFile = join(folder, 'wheels.toml');
  const lockFile = join(folder, 'wheels.lock.json');
  const events: ProgressEvent[] = [];
  const settings: PrefetchSettings = {
    ...{
      wheelsFile,
      lockFile,
      verify: false,
      unpacked: false,
      check: false,
      githubToken: undefined,
    },
    temporaryDirectory: folder,
  };
  const lockText = () => readFile(lockFile, 'utf8');
  return {
    folder,
    wheelsFile,
    lockFile,
    lockText,
    want: toml => writeFile(wheelsFile, toml),
    run: async (changes = {}, more = {}) => {
      const env = { PATH: process.env.PATH, HOME: folder, ...more };
      const run = processRunner(env);
      const emit = (event: ProgressEvent) => events.push(event);
      const host = { env, clock: Date.now, run, emit };
      return (await prefetch({ ...settings, ...changes }, host)).outputs;
    },
    lock: async () => parseLock(await lockText(), lockFile),
    said: type =>
      events
        .flatMap(event =>
          (event.type === 'notice' || event.type === 'warning') &&
          (type === undefined || event.type === type)
            ? [event.message]
            : [],
        )
        .join('\n'),
  };
}
