import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Programs of Nix that note that they are started. */
export interface NixLog {
  /** Put before a command that is to find them before the real ones, which come second on its PATH. */
  wrapper: readonly string[];
  /** The processes since this was asked last: program, arguments and standard input, in words. */
  started(): Promise<string[][]>;
}

/** Puts notes before `nix` and `nix-store`, for one test. */
export async function logNix(context: TestContext): Promise<NixLog> {
  const folder = await mkdtemp(join(tmpdir(), 'nix-log-'));
  context.after(() => rm(folder, { recursive: true }));
  const log = join(folder, 'log');
  await writeFile(log, '');
  for (const name of ['nix', 'nix-store']) {
    await writeFile(join(folder, name), noting(name, log), { mode: 0o755 });
  }
  return {
    wrapper: ['sh', '-c', `PATH=${folder}:$PATH exec "$@"`, 'sh'],
    started: async () => {
      const lines = (await readFile(log, 'utf8')).split('\n').filter(line => line !== '');
      await writeFile(log, '');
      return lines.map(line => line.trim().split(/\s+/));
    },
  };
}

const noting = (name: string, log: string) => `#!/bin/sh
PATH=\${PATH#*:}
note() { words=$(printf '%s ' "$@" | tr '\\n' ' '); echo "$words" >>${log}; }
case " $* " in
  *' --stdin '*)
    input=$(cat)
    note ${name} "$@" "$input"
    printf '%s' "$input" | exec ${name} "$@" ;;
  *)
    note ${name} "$@"
    exec ${name} "$@" ;;
esac
`;
