import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { drawMutants, identityOf } from '../../../scripts/mutations/draw.ts';
import { killerOf } from '../../../scripts/mutations/run.ts';
import { testsThatSee } from '../../../scripts/mutations/seen-by.ts';
import { mutated, sitesOf } from '../../../scripts/mutations/sites.ts';

function folderFor(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mutations-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const changed = (source: string) => sitesOf(source).map(site => mutated(source, site));

test('each operator and each statement of a TypeScript source is a place, and no type', () => {
  assert.deepEqual(changed('const a = (x as number) /* < */ < y!;'), [
    'const a = (x as number) /* < */ <= y!;',
    'const a = (x as number) /* < */ >= y!;',
  ]);
  assert.deepEqual(changed('export const f = (a?: string | undefined) => a ?? -1;'), [
    'export const f = (a?: string | undefined) => a && -1;',
    'export const f = (a?: string | undefined) => a ?? 1;',
  ]);
  assert.deepEqual(changed('const t = !a ? b : c;'), [
    'const t = !(!a) ? b : c;',
    'const t = a ? b : c;',
  ]);
  assert.deepEqual(changed("'use strict';\nfor (const x of y) if (x) break;"), [
    "'use strict';\nfor (const x of y) {}",
    "'use strict';\nfor (const x of y) if (x) {}",
  ]);
  assert.deepEqual(changed('let i = 0; i++;'), ['let i = 0; {}', 'let i = 0; i--;']);
  assert.deepEqual(changed('const größe: number = a + b;'), ['const größe: number = a - b;']);
});

test('a draw is the same each time, and edits elsewhere leave the rest of it as it was', t => {
  const lines = Array.from({ length: 40 }, (_, at) => `export const v${at} = a === ${at};\n`);
  const folder = folderFor(t, { 'x.ts': lines.join(''), 'y.ts': lines.join('') });
  const files = ['x.ts', 'y.ts'].map(name => join(folder, name));
  const names = (seed: number) => drawMutants(files, seed, 10).map(identityOf);
  const before = names(1);
  assert.equal(new Set(before).size, 10);
  assert.deepEqual(names(1), before);
  assert.notDeepEqual(names(2), before);
  writeFileSync(join(folder, 'x.ts'), `// a line\nconst more = b === c;\n${lines.join('')}`);
  assert.ok(names(1).filter(name => before.includes(name)).length >= 9);
});

test('a place is found again among lines that read the same', t => {
  const folder = folderFor(t, { 'x.ts': 'if (a) b();\nif (a) b();\n' });
  const drawn = drawMutants([join(folder, 'x.ts')], 1, 10);
  assert.equal(new Set(drawn.map(identityOf)).size, drawn.length);
  assert.deepEqual(
    drawn.map(({ line, nth }) => [line, nth]),
    [
      [1, 0],
      [1, 1],
      [2, 2],
      [2, 3],
    ],
  );
});

test('tests that import a file see it, its own first, through others and by its URL', t => {
  const folder = folderFor(t, {
    'src/deep.ts': '',
    'src/near.ts': "import { x } from './deep.ts';",
    'src/thread.ts': "new Worker(new URL('./deep.ts', import.meta.url));",
    'test/a.test.ts': "import '../src/near.ts';",
    'test/b.test.ts': "const { y } = await import('../src/deep.ts');",
    'test/c.test.ts': "import { z } from '../src/thread.ts';",
    'test/d.test.ts': "import { z } from './none.ts';",
    'test/deep.test.ts': "import '../src/near.ts';",
  });
  const at = (name: string) => join(folder, name);
  const tests = ['a', 'b', 'c', 'd', 'deep'].map(name => at(`test/${name}.test.ts`));
  const seen = testsThatSee(at('src/deep.ts'), tests);
  assert.deepEqual(
    seen,
    ['deep', 'b', 'a', 'c'].map(name => at(`test/${name}.test.ts`)),
  );
});

test('a change is noticed by a test that fails with it, and the source stays as it is', async t => {
  const source = 'export const isSmall = (n: number): boolean => n < 10;\n';
  const look = (n: number) => `import { isSmall } from '../src/small.ts';
    process.exitCode = isSmall(${n}) === ${n < 10} ? 0 : 1;`;
  const folder = folderFor(t, {
    'src/small.ts': source,
    'test/far.test.ts': look(100),
    'test/border.test.ts': look(10),
  });
  const [border] = drawMutants([join(folder, 'src/small.ts')], 1, 9).filter(
    ({ change }) => change === '< → <=',
  );
  const tests = ['far', 'border'].map(name => join(folder, 'test', `${name}.test.ts`));
  assert.ok(border);
  assert.equal(await killerOf(border, tests, folder), tests[1]);
  assert.equal(await killerOf(border, tests.slice(0, 1), folder), undefined);
});
