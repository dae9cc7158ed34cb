import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How the stand-in for the `cachix` program behaves. */
export interface CachixPlan {
  /** Cache → its token or signing key. */
  caches: Record<string, string>;
  /** Part of a path → why its upload fails. */
  failing: Record<string, string>;
  /** `daemon push --wait` exists since 1.9. */
  knowsWait: boolean;
  /** The daemon breaks down when it is given something. */
  diesOnPush: boolean;
  /** It takes paths, and neither uploads them nor ends: what waits for it waits for ever. */
  neverEnds: boolean;
}

export interface CachixStandIn {
  /** For PATH; it has a program called `cachix`. */
  bin: string;
  /** Each start of the program, in order. */
  calls(): Promise<{ words: string[]; env: Record<string, string> }[]>;
  uploads(): Promise<{ name: string; path: string }[]>;
  /** Empties the caches. */
  forget(): Promise<void>;
}

/** Puts a stand-in for the `cachix` program into a folder. */
export async function installCachixStandIn(
  folder: string,
  plan: Partial<CachixPlan> = {},
): Promise<CachixStandIn> {
  const bin = join(folder, 'cachix-bin');
  await mkdir(bin, { recursive: true });
  const whole: CachixPlan = {
    ...{ caches: {}, failing: {}, knowsWait: true, diesOnPush: false },
    ...{ neverEnds: false },
    ...plan,
  };
  await writeFile(join(folder, 'plan.json'), JSON.stringify(whole));
  const program = join(import.meta.dirname, 'program.ts');
  await writeFile(
    join(bin, 'cachix'),
    `#!/bin/sh\nCACHIX_STAND_IN='${folder}' exec '${process.execPath}' '${program}' "$@"\n`,
    { mode: 0o755 },
  );
  const lines = async <Line>(name: string): Promise<Line[]> => {
    const file = join(folder, name);
    if (!existsSync(file)) return [];
    const text = await readFile(file, 'utf8');
    return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Line]));
  };
  return {
    bin,
    calls: () => lines('calls.jsonl'),
    uploads: () => lines('uploads.jsonl'),
    forget: () => rm(join(folder, 'uploads.jsonl'), { force: true }),
  };
}
