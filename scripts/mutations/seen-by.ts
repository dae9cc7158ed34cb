// Which tests may see a file: those that import it, directly or through others.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Static and lazy imports, and files that are named by their URL (a thread's), all relative. */
const imports = /(?:\bfrom|\bimport|\bimport\(|new URL\()\s*['"`](\.[^'"`]+?)['"`]/g;

/** The tests that load `file`: its own first, then those that are nearest to it. */
export function testsThatSee(file: string, tests: readonly string[]): string[] {
  const far = Number.MAX_SAFE_INTEGER;
  return tests
    .map(test => ({ test, distance: distance(test, file) }))
    .filter(({ distance }) => distance < far)
    .map(each => (isOwn(each.test, file) ? { ...each, distance: 0 } : each))
    .sort((one, other) => one.distance - other.distance)
    .map(({ test }) => test);
}

const isOwn = (test: string, file: string) => basename(test).startsWith(basename(file, '.ts'));

/** How many imports lead from one file to another; more than there can be where none do. */
function distance(from: string, to: string): number {
  let reached = new Set([from]);
  const met = new Set(reached);
  for (let steps = 0; reached.size > 0; steps++) {
    if (reached.has(to)) return steps;
    reached = new Set([...reached].flatMap(importsOf)).difference(met);
    for (const file of reached) met.add(file);
  }
  return Number.MAX_SAFE_INTEGER;
}

const known = new Map<string, readonly string[]>();

function importsOf(file: string): readonly string[] {
  const found = known.get(file) ?? readImports(file);
  known.set(file, found);
  return found;
}

function readImports(file: string): string[] {
  if (!file.endsWith('.ts')) return [];
  return [...readFileSync(file, 'utf8').matchAll(imports)]
    .map(([, name = '']) => join(dirname(file), name.replace(/\.\$\{.*\}$/, '.ts')))
    .filter(existsSync);
}
