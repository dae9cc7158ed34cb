// Bundles src/ into dist/, the published action. Prints the size of what each entry loads at its start.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Metafile } from 'esbuild';
import { type Bundle, bundle, dist } from './bundling.ts';
import { bundledPackages, licences } from './licences.ts';

/** Bytes that an entry may load for the verb `build`, all of its code included. */
const mostLoadedForBuild = 500_000;

/** The files of dist: relative name → content. */
function distFiles(result: Bundle): Map<string, Buffer> {
  const files = result.outputFiles.map(
    file => [relative(dist, file.path), Buffer.from(file.contents)] as const,
  );
  const all = [
    ...files,
    ['licenses.txt', Buffer.from(licences(bundledPackages(result.metafile)))] as const,
  ];
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Outputs that are loaded when `output` is: itself and its static imports, all the way down. */
function loadedWith(output: string, metafile: Metafile, seen = new Set<string>()): Set<string> {
  if (seen.has(output)) return seen;
  seen.add(output);
  for (const { path, kind } of metafile.outputs[output]?.imports ?? []) {
    if (kind === 'import-statement' && path in metafile.outputs) loadedWith(path, metafile, seen);
  }
  return seen;
}

function outputOf(source: string, metafile: Metafile): string | undefined {
  return Object.keys(metafile.outputs).find(
    output => metafile.outputs[output]?.entryPoint === source,
  );
}

/** Bytes that are loaded for these sources together. */
function loadedBytes(sources: readonly string[], metafile: Metafile): number {
  const outputs = new Set<string>();
  for (const source of sources) {
    const output = outputOf(source, metafile);
    if (output === undefined) throw new Error(`${source} is no entry and is not loaded on use`);
    for (const each of loadedWith(output, metafile)) outputs.add(each);
  }
  return [...outputs].reduce((sum, output) => sum + (metafile.outputs[output]?.bytes ?? 0), 0);
}

/** Prints what each face loads, and fails when it is more than it should be. */
function checkSizes(metafile: Metafile): void {
  const verb = 'src/commands/build.ts';
  const loads: Record<string, string[]> = {
    'main at start': ['src/action/main.ts'],
    'main for build': ['src/action/main.ts', verb],
    'cli for build': ['src/cli/main.ts', 'src/cli/start.ts', verb],
    post: ['src/action/post.ts'],
  };
  for (const [name, sources] of Object.entries(loads)) {
    const bytes = loadedBytes(sources, metafile);
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

const result = await bundle();
writeDist(distFiles(result));
checkSizes(result.metafile);
