import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allPins } from '../../../src/wheels/lock.ts';
import { sri, startPackageIndex } from '../../tools/package-index.ts';
import { workbench } from './workbench.ts';

const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

test('a prefetch that is killed goes on where it was', async context => {
  const index = await startPackageIndex({ digests: false });
  context.after(() => index.stop());
  const bench = await workbench(context);
  const small = index.publish('cu130', 'einops-0.8.1-py3-none-any.whl');
  const name = 'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl';
  const large = index.publish('cu130', name, { padding: 3_000_000 });
  await bench.want(
    `cuda = ["cu130"]\npython = ["3.12"]\nindex = "${index.url}/{cuda}"\n` +
      '[wheels.einops]\nversion = "0.8.1"\n[wheels.torch]\nversion = "2.10.0"\n',
  );
  index.behaviour.stallAfter = 2_000_000;
  const env = { PATH: process.env.PATH, HOME: bench.folder, TMPDIR: bench.folder };
  const args = [entry, 'prefetch', '--wheels', bench.wheelsFile, '--lock', bench.lockFile];
  const start = () => spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });

  const killed = start();
  let said = '';
  killed.stderr.on('data', chunk => {
    said += chunk;
  });
  const downloads = join(bench.folder, '.cache/comfy-nix/downloads');
  while (!said.includes('Downloaded einops') || (await bytesIn(downloads)) < 1_000_000) {
    await wait(20);
  }
  killed.kill('SIGKILL');
  await once(killed, 'close');
  await assert.rejects(bench.lock(), 'a lock was written');

  index.behaviour.stallAfter = undefined;
  index.requests.length = 0;
  const again = start();
  const [code] = await once(again, 'close');
  assert.equal(code, 0);
  const pins = allPins(await bench.lock());
  assert.deepEqual(
    pins.map(({ pin }) => pin.hash),
    [sri(small), sri(large)],
  );
  const ranges = index.requests.filter(request => request.includes('bytes='));
  assert.match(ranges.join('\n'), /^\S+torch\S+ bytes=[1-9]\d{5,}-$/);
  assert.deepEqual(await readdir(downloads), []);
});

/** Bytes of downloads that are under way. */
async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map(name => stat(join(folder, name, 'bytes')).catch(() => ({ size: 0 })));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}
