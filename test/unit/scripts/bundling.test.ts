import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { OutputChunk } from 'rolldown';
import { bundle } from '../../../scripts/bundling.ts';

/** The bundle with a module that was edited. */
const bundleWith = (source: string, edit: (code: string) => string) =>
  bundle([
    {
      name: 'edit',
      transform: (code, id) => (id.endsWith(`/${source}`) ? edit(code) : null),
    },
  ]);

const edits: Record<string, [source: string, edit: (code: string) => string]> = {
  'a changed number': ['src/image/split.ts', code => code.replace(/(?<== )\d+;/, '987;')],
  'one more function': [
    'src/host/say.ts',
    code => `${code}\nconst added = (code) => process.emitWarning(code);\nadded('added');`,
  ],
  'one more import': [
    'src/image/config.ts',
    code =>
      `import { storeName } from '../report/units.ts';\n${code}\nconsole.log(storeName('a'));`,
  ],
};

describe('dist/', () => {
  let chunks: OutputChunk[];
  before(async () => {
    chunks = await bundle();
  });

  /** Files that are loaded when this one is. */
  const loadedWith = (name: string): string[] => {
    const imports = chunks.find(({ fileName }) => fileName === name)?.imports ?? [];
    const ours = imports.filter(each => chunks.some(({ fileName }) => fileName === each));
    return [...new Set([name, ...ours.flatMap(loadedWith)])].sort();
  };
  const nodes = ['chunks/rolldown-runtime.js', 'chunks/shared-node.js'];

  for (const [title, [source, edit]] of Object.entries(edits)) {
    test(`${title} changes the file that it is in, and hardly another`, async () => {
      const text = new Map(chunks.map(({ fileName, code }) => [fileName, code]));
      const edited = await bundleWith(source, edit);
      const differing = edited.filter(({ fileName, code }) => text.get(fileName) !== code);
      assert.deepEqual(edited.map(({ fileName }) => fileName).sort(), [...text.keys()].sort());
      assert.ok(differing.length > 0, 'the edit is of no module of the bundle');
      assert.ok(differing.length <= 3, differing.map(({ fileName }) => fileName).join(', '));
    });
  }

  test('an older Node reads what looks for a newer one, and nothing else', () => {
    assert.deepEqual(loadedWith('cli.js'), [...nodes, 'chunks/shared-launch.js', 'cli.js'].sort());
  });

  test('a thread loads its own few lines', () => {
    const thread = 'chunks/digest-thread.js';
    assert.deepEqual(loadedWith(thread), [thread, ...nodes]);
  });

  test('the command line loads nothing that GitHub alone needs', () => {
    const ofGithub = loadedWith('chunks/cli-start.js').filter(name => name.includes('action'));
    assert.deepEqual(ofGithub, []);
  });
});
