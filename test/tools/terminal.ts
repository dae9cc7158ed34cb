import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A real terminal of some size, in which a program runs. */
export interface TestTerminal {
  /** What is seen now, a text for each row, without spaces at its end; with escapes where they are asked for. */
  screen(escapes?: 'with escapes'): Promise<string[]>;
  /** The screen as soon as it shows this. */
  until(shown: RegExp): Promise<string[]>;
  /** Types a text; "Tab" and "Enter" are keys. */
  type(...keys: string[]): Promise<void>;
}

/** Runs a program in a terminal by tmux, with a server and a home of its own, until the test ends. */
export async function openTerminal(
  context: TestContext,
  { columns, rows }: { columns: number; rows: number },
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<TestTerminal> {
  const folder = await mkdtemp(join(tmpdir(), 'terminal-'));
  const tmux = async (...args: string[]) => {
    const { TMUX: _, ...own } = process.env;
    const clean = { ...own, HOME: folder, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...env };
    const all = ['-u', '-S', join(folder, 'socket'), '-f', '/dev/null', ...args];
    return (await promisify(execFile)('tmux', all, { env: clean })).stdout;
  };
  context.after(async () => {
    await tmux('kill-server').catch(() => undefined);
    // a shell that ends writes its history there
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  const size = ['-x', String(columns), '-y', String(rows)];
  await tmux('new-session', '-d', ...size, ...command);
  await tmux('set', '-g', 'remain-on-exit', 'on');
  const screen: TestTerminal['screen'] = async escapes => {
    const text = await tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []));
    return text.replace(/\n$/, '').split('\n');
  };
  return {
    screen,
    async until(shown) {
      for (let tries = 0; tries < 600; tries++) {
        const lines = await screen();
        if (shown.test(lines.join('\n'))) return lines;
        await setTimeout(50);
      }
      throw new Error(`${shown} is not seen in:\n${(await screen()).join('\n')}`);
    },
    type: async (...keys) => {
      await tmux('send-keys', '--', ...keys);
    },
  };
}
