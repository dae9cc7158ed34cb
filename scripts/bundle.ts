// Bundles src/ into dist/, the published action. Prints the size of what each entry loads at its start.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OutputChunk } from 'rolldown';
import { bundle, bundlePage, dist } from './bundling.ts';
import { bundledPackages, licences } from './licences.ts';

/** Bytes that an entry may load for the verb `build`, all of its code included. */
const mostLoadedForBuild = 500_000;

/** The files of dist: relative name → content. */
function distFiles(
  chunks: readonly OutputChunk[],
  page: Awaited<ReturnType<typeof bundlePage>>,
): Map<string, Buffer> {
  // whoever passes a page on passes on what is in it
  const notice = licences(bundledPackages([page.chunk])).replaceAll('*/', '* /');
  const texts: [string, string][] = [
    ...chunks.map(({ fileName, code }): [string, string] => [fileName, code]),
    ['chunks/page.js', `/*!\n${notice}*/\n${page.chunk.code.trim()}`],
    ['chunks/page.css', page.style],
    ['licenses.txt', licences(bundledPackages([...chunks, page.chunk]))],
  ];
  return new Map(texts.map(([name, text]) => [name, Buffer.from(text)]));
}

/** Bytes that are loaded for these sources together: their chunks and those that these import. */
function loadedBytes(sources: readonly string[], chunks: readonly OutputChunk[]): number {
  const byName = new Map(chunks.map(chunk => [chunk.fileName, chunk]));
  const loaded = new Set<OutputChunk>();
  const load = (chunk: OutputChunk | undefined) => {
    if (chunk === undefined || loaded.has(chunk)) return;
    loaded.add(chunk);
    for (const name of chunk.imports) load(byName.get(name));
  };
  for (const source of sources) {
    const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/${source}`));
    if (chunk === undefined) throw new Error(`${source} is no entry and is not loaded on use`);
    load(chunk);
  }
  return [...loaded].reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
}

/** Prints what each face loads, and fails when it is more than it should be. */
function checkSizes(chunks: readonly OutputChunk[]): void {
  const verb = ['src/commands/build.ts', 'src/commands/build/make.ts'];
  const loads: Record<string, string[]> = {
    'main at start': ['src/action/main.ts'],
    'main for build': ['src/action/main.ts', ...verb],
    'cli for build': ['src/cli/main.ts', 'src/cli/start.ts', ...verb],
    post: ['src/action/post.ts'],
  };
  for (const [name, sources] of Object.entries(loads)) {
    const bytes = loadedBytes(sources, chunks);
    console.log(`${name.padEnd(15)} ${(bytes / 1000).toFixed(1).padStart(7)} kB`);
    if (bytes <= mostLoadedForBuild) continue;
    console.error(`That is more than ${mostLoadedForBuild / 1000} kB: load more of it on use.`);
    process.exitCode = 1;
  }
}

function writeDist(files: ReadonlyMap<string, Buffer>): void {
  rmSync(dist, { recursive: true, force: true });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(join(dist, name), content, { mode: name === 'cli.js' ? 0o755 : 0o644 });
  }
}

const [chunks, page] = await Promise.all([bundle(), bundlePage()]);
writeDist(distFiles(chunks, page));
checkSizes(chunks);
