// Locks requirements lists with a real uv, from the package index that wheels.toml names without a word:
// seconds, and requests and bytes of the program's own, uv's left out; with uv's cache cold and warm.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { folderOfUv } from '../test/tools/uv.ts';

const entry = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const top = 'cuda = ["cu130"]\npython = ["3.12", "3.13", "3.14"]\n';

/** What came of a list. */
interface Row {
  lines: number;
  cold: Measured;
  warm: Measured | undefined;
}

interface Measured {
  seconds: number;
  /** "150 requests, 2.83 MB" */
  own: string;
  /** Wheels and sources of the lock; undefined: there is none. */
  pins: number | undefined;
  said: string;
}

/**
 * Prints a row for each list of a folder, and why those that are not locked are not. A list's `NAME.toml`
 * beside it, if there is one, is appended to its wheels.toml: what the errors ask for.
 */
export async function measureLists(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.txt')).sort();
  console.log('| list | lines | cold | warm |\n| :-- | --: | --: | --: |');
  for (const name of names) {
    const { lines, cold, warm } = await measureList(join(folder, name));
    console.log(`| ${name} | ${lines} | ${shown(cold)} | ${shown(warm)} |`);
    if (cold.pins === undefined) console.log(cold.said.trimEnd());
  }
}

function shown(measured: Measured | undefined): string {
  if (measured === undefined) return '';
  const { seconds, own, pins } = measured;
  const time = `${seconds.toFixed(1)} s`;
  return pins === undefined ? `${time}, no lock` : `${time}, ${own}, ${pins} pins`;
}

async function measureList(list: string): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'prefetch-'));
  try {
    const name = basename(list);
    await copyFile(list, join(folder, name));
    const more = await readFile(list.replace(/\.txt$/, '.toml'), 'utf8').catch(() => '');
    await writeFile(join(folder, 'wheels.toml'), `${top}requirements = ["${name}"]\n${more}`);
    const content = await readFile(list, 'utf8');
    const lines = content.split('\n').filter(line => /^[^#\s]/.test(line)).length;
    const cold = await measure(folder);
    await rm(join(folder, 'wheels.lock.json'), { force: true });
    const warm = cold.pins === undefined ? undefined : await measure(folder);
    return { lines, cold, warm };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string): Promise<Measured> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [entry, 'prefetch'], {
    cwd: folder,
    env: {
      ...process.env,
      ...{ PATH: `${folderOfUv()}:${process.env.PATH}`, HOME: folder },
      UV_CACHE_DIR: join(folder, 'cache'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
  const seconds = (performance.now() - startedAt) / 1000;
  const lock = await readFile(join(folder, 'wheels.lock.json'), 'utf8').catch(() => undefined);
  const pins = lock === undefined ? undefined : lock.split('"hash"').length - 1;
  const [, own = ''] = /\((\d+ requests, [^,]+), /.exec(said) ?? [];
  return { seconds, own, pins, said };
}
