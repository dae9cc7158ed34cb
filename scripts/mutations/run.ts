// One mutant: its tests are run one after another, until one of them fails.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Mutant } from './draw.ts';
import { mutated } from './sites.ts';

/** A test that has not ended by then never will: the slowest takes a few seconds. In ms. */
const longest = 45_000;

/**
 * The first of the tests that does not pass with the change; undefined where all do. Rejects where that
 * one does not pass without it either.
 */
export async function killerOf(
  mutant: Mutant,
  tests: readonly string[],
  folder: string,
): Promise<string | undefined> {
  const source = join(folder, 'mutant.ts');
  writeFileSync(source, mutated(readFileSync(mutant.file, 'utf8'), mutant));
  const url = pathToFileURL(resolve(mutant.file)).href;
  const environment = { MUTANT_URL: url, MUTANT_SOURCE: source };
  for (const test of tests) {
    if (await passes(test, folder, environment)) continue;
    await checkSound(test, folder);
    return test;
  }
  return undefined;
}

const sound = new Set<string>();

async function checkSound(test: string, folder: string): Promise<void> {
  if (sound.has(test)) return;
  if (!(await passes(test, folder))) throw new Error(`${test} fails without any change`);
  sound.add(test);
}

/** Whether a test passes; what it leaves in its temporary folder is removed. */
async function passes(test: string, folder: string, more: NodeJS.ProcessEnv = {}) {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const hook = `--import=${new URL('./replace.ts', import.meta.url).href}`;
  const child = spawn(process.execPath, [hook, test], {
    detached: true, // a group of its own, which ends as a whole
    stdio: 'ignore',
    env: {
      ...process.env,
      ...more,
      NODE_OPTIONS: hook, // for programs that the test starts
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
      TMPDIR: temporary,
    },
  });
  const end = () => endGroup(child.pid);
  process.once('exit', end);
  const timer = setTimeout(end, longest);
  const [status] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  process.off('exit', end);
  end();
  rmSync(temporary, { recursive: true, force: true });
  return status === 0;
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
