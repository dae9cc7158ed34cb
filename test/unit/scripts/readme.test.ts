import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

/** The packages in the arguments of `missing_packages PROGRAM=PACKAGE…`. */
function packagesIn(script: string): string[] {
  const calls = script.match(/missing_packages ((?:[^)\\]|\\\n)+)/g) ?? [];
  return calls.flatMap(call => [...call.matchAll(/=([\w-]+)/g)].map(([, name = '']) => name));
}

test('README names the packages that the two commands install', () => {
  const [, section = ''] =
    /## On your machine\n([\s\S]*?)`npm run demo` again/.exec(read('README.md')) ?? [];
  const named = new Set([...section.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
  for (const script of ['scripts/test', 'scripts/demo']) {
    const packages = packagesIn(read(script));
    assert.ok(packages.length > 0, script);
    assert.deepEqual(
      packages.filter(name => !named.has(name)),
      [],
      script,
    );
  }
});
