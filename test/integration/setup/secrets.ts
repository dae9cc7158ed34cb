import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A text that occurs nowhere else. */
export const newSecret = (name: string) => `${name}-${randomBytes(12).toString('hex')}`;

/** What a process was seen with while the watch went on. */
export interface SeenProcess {
  /** Its arguments, joined by spaces. */
  words: string;
  environment: string;
}

export interface ProcessWatch {
  /** Ends the watch; all that was seen, each once. */
  stop(): Promise<SeenProcess[]>;
}

/**
 * Looks every few milliseconds at the arguments of all processes that were started since, as `ps` shows
 * them to anybody, and at their environments.
 */
export function watchProcesses(): ProcessWatch {
  const processes = () => readdirSync('/proc').filter(name => /^\d+$/.test(name));
  const before = new Set(processes());
  const seen = new Map<string, SeenProcess>();
  let watching = true;
  const look = (id: string) => {
    const words = contentOf(`/proc/${id}/cmdline`).replaceAll('\0', ' ').trim();
    if (words === '' || seen.has(`${id} ${words}`)) return;
    seen.set(`${id} ${words}`, { words, environment: contentOf(`/proc/${id}/environ`) });
  };
  const loop = (async () => {
    while (watching) {
      for (const id of processes()) if (!before.has(id)) look(id);
      await wait(5);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await loop;
      return [...seen.values()];
    },
  };
}

/** A process or file may end while it is looked at. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Files below the folders that hold one of the secrets. */
export function filesWith(secrets: readonly string[], folders: readonly string[]): string[] {
  return folders
    .flatMap(folder =>
      readdirSync(folder, { recursive: true, withFileTypes: true }).filter(each => each.isFile()),
    )
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => {
      const content = contentOf(file);
      return secrets.some(secret => content.includes(secret));
    });
}

/** Permissions such as "600". */
export const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** No text has a secret in it; lines that tell the runner what to mask are no text of the log. */
export function assertNoSecret(secrets: readonly string[], texts: Record<string, string>): void {
  for (const [name, text] of Object.entries(texts)) {
    const shown = text.replaceAll(/^::add-mask::.*$/gm, '');
    for (const secret of secrets) assert.ok(!shown.includes(secret), `${name} has ${secret}`);
  }
}

/**
 * What `@actions/cache` packs with, and tar starts for it, with the environment in which the library needs
 * the runner's token itself: zstd, or gzip on a machine without it.
 */
const packing = /^(\S*\/)?(tar|(sh -c )?(gzip|gunzip|zstd|zstdmt|unzstd))\b/;

/**
 * Nobody saw a secret in a process's arguments; programs that the action starts know neither its inputs
 * nor the runner's token. `mark` is in the environment of the action and of all that it starts.
 */
export function assertPrivate(
  seen: readonly SeenProcess[],
  secrets: readonly string[],
  mark: string,
): void {
  const ours = seen.filter(({ environment }) => environment.includes(mark));
  assert.ok(ours.length > 0, 'the watch saw the job');
  for (const { words } of seen) {
    for (const secret of secrets) assert.ok(!words.includes(secret), `seen by ps: ${words}`);
  }
  for (const { words, environment } of ours) {
    if (/dist\/(main|post)\.js/.test(words)) continue;
    assert.ok(!/(^|\0)INPUT_/.test(environment), `knows inputs: ${words}`);
    if (packing.test(words)) continue;
    const hasToken = /(^|\0)ACTIONS_RUNTIME_TOKEN=/.test(environment);
    assert.ok(!hasToken, `knows the runner's token: ${words}`);
  }
}
