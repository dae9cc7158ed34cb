import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startS3 } from '../../tools/s3.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';
import { newKey } from './binary-caches.ts';
import { hostedRunner } from './hosted-runner.ts';

// Debian's Nix 2.8 is built without S3, so this test is run under the release alone
test('an S3 bucket gets what a step has built, and gives it to the next job', async t => {
  const runner = await hostedRunner(t);
  const { nix, folder } = await workbench(t);
  const s3 = await startS3('cache');
  t.after(s3.stop);
  const key = await newKey(nix, 'bucket-1');
  const id = `s${process.pid}-${Math.random().toString(36).slice(2)}`;
  await writeFlake(folder, `app = sh "${id}-app" "echo app > $out" { };`);
  const setUp = { command: 'setup', 'cuda-caches': 'false', 'install-nix': 'none' };
  const steps = [['nix', 'build', '-v', '--no-link', `path:${join(folder, 'flake')}#app`]];

  const secret = { 'binary-caches': s3.url, 'binary-cache-signing-key': key.secret };
  const first = await runner.job({ inputs: { ...setUp, ...secret }, env: s3.env, steps });
  assert.equal(first.steps[0]?.code, 0, first.steps[0]?.log);
  assert.match(first.post.log, /^Pushed to s3:\/\/cache: 1 store paths\.$/m);

  const pull = { 'extra-substituters': s3.url, 'extra-trusted-public-keys': key.publicKey };
  const second = await runner.job({ inputs: { ...setUp, ...pull }, env: s3.env, steps });
  assert.match(second.steps[0]?.log ?? '', new RegExp(`copying path '\\S+-${id}-app' from 's3:`));
  for (const { main, post } of [first, second]) assert.doesNotMatch(main.log + post.log, /::warn/);
});
