import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { newTemporaryFolder } from '../../../src/host/temporary.ts';

test("it is this user's alone, and below the runner's folder, else TMPDIR, else /tmp", async t => {
  const parent = await mkdtemp(join(tmpdir(), 'temporary-'));
  t.after(() => rm(parent, { recursive: true }));
  const ofRunner = await newTemporaryFolder('x-', { RUNNER_TEMP: parent, TMPDIR: '/gone' });
  assert.equal(dirname(ofRunner), parent);
  assert.equal((await stat(ofRunner)).mode & 0o777, 0o700);
  assert.equal(
    dirname(await newTemporaryFolder('x-', { RUNNER_TEMP: '', TMPDIR: parent })),
    parent,
  );
});

test('a folder that is gone is named, with the variable that names it', async () => {
  for (const name of ['TMPDIR', 'RUNNER_TEMP']) {
    await assert.rejects(newTemporaryFolder('x-', { [name]: '/gone' }), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /^No temporary folder can be made in \/gone: it is not there\.$/);
      assert.match(error.details.tried ?? '', new RegExp(name));
      return true;
    });
  }
});
