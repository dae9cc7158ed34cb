import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runFolder, startRunner } from '../../tools/runner.ts';

const phase = (name: string) =>
  fileURLToPath(new URL(`../../../src/action/${name}.ts`, import.meta.url));

const runner = await startRunner();
after(() => runner.dispose());

test('a wrong command: masks come first, then one error; nothing is left behind', async () => {
  const result = await runner.run(phase('main'), {
    inputs: { command: 'fly', 'registry-password': 'hunter2' },
    token: 'ghs_token',
  });
  assert.equal(result.code, 2);
  assert.deepEqual(result.log.split('\n'), [
    '::add-mask::hunter2',
    '::add-mask::ghs_token',
    '::error::Input command: expected build, plan, why, setup, prefetch, audit, report, copy; found "fly".',
    '',
  ]);
  assert.match(result.summary, /^## The run failed\n[\s\S]*Input command/);
  assert.deepEqual([result.state, result.outputs], [{}, {}]);
});

test('an input that cannot be read: what main made is deleted by post', async () => {
  const main = await runner.run(phase('main'), { inputs: { image: 'not a repository' } });
  assert.equal(main.code, 2);
  assert.match(main.log, /^::error::Input image: expected a repository.*"not a repository"/m);
  const folder = runFolder(runner.temp, main);
  assert.ok(existsSync(folder));
  const post = await runner.run(phase('post'), { state: main.state });
  assert.deepEqual([post.code, post.log], [0, '']);
  assert.ok(!existsSync(folder));
});

test('an image that is missing is told before anything else is done', async () => {
  const main = await runner.run(phase('main'), { inputs: { tags: 'one', 'cache-to': 'type=gha' } });
  assert.equal(main.code, 2);
  assert.match(
    main.log,
    /^::warning::The input cache-to has no effect\. Nothing is needed for it/m,
  );
  assert.match(main.log, /^::error::Input image: it is missing: there is nowhere to push to\./m);
  assert.deepEqual(main.outputs, {});
  await runner.run(phase('post'), { state: main.state });
});

test('post is fine when main never ran', async () => {
  const post = await runner.run(phase('post'));
  assert.deepEqual([post.code, post.log], [0, '']);
});
