import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type PackageIndex, startPackageIndex } from '../../tools/package-index.ts';
import { startRunner } from '../../tools/runner.ts';
import { workbench } from './workbench.ts';

const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));

async function indexWithTorch(context: TestContext): Promise<PackageIndex> {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  index.publish('cu130', 'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl');
  return index;
}

const toml = (index: PackageIndex) =>
  `cuda = ["cu130"]\npython = ["3.12"]\nindex = "${index.url}/{cuda}"\n[wheels.torch]\nversion = "2.10.0"\n`;

test('the command line: exit codes, and nothing on standard output', async context => {
  const index = await indexWithTorch(context);
  const bench = await workbench(context);
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [source('cli/main.ts'), 'prefetch', ...args], {
      cwd: bench.folder,
      env: { PATH: process.env.PATH, HOME: bench.folder, TMPDIR: bench.folder },
    });
    const said = { out: '', error: '' };
    child.stdout.on('data', chunk => {
      said.out += chunk;
    });
    child.stderr.on('data', chunk => {
      said.error += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, ...said };
  };
  const lost = await run();
  assert.equal(lost.code, 1);
  assert.match(lost.error, /^comfy-nix: There is no .*wheels\.toml, which says what wheels are/);
  await bench.want(toml(index));
  const stale = await run('--check');
  assert.equal(stale.code, 1);
  assert.match(stale.error, /wheels\.lock\.json is stale\.\n {2}torch: added, 2\.10\.0/);
  const made = await run();
  assert.deepEqual([made.code, made.out], [0, '']);
  assert.match(
    made.error,
    /torch: added, 2\.10\.0 \(cu130 cp312\)\nThe lock has 1 wheel, 1 changed/,
  );
  assert.equal((await run('--check')).code, 0);
  assert.equal((await run('--fly')).code, 2);
});

test('the action: outputs for a pull request', async context => {
  const index = await indexWithTorch(context);
  const runner = await startRunner();
  context.after(() => runner.dispose());
  await writeFile(join(runner.workspace, 'wheels.toml'), toml(index));
  const phase = { inputs: { command: 'prefetch' } };
  const first = await runner.run(source('action/main.ts'), phase);
  assert.equal(first.code, 0, first.log);
  assert.deepEqual(first.outputs, {
    changed: 'true',
    changes: '- `torch`: added, 2.10.0 (cu130 cp312)',
  });
  await readFile(join(runner.workspace, 'wheels.lock.json'));
  const again = await runner.run(source('action/main.ts'), phase);
  assert.deepEqual(again.outputs, { changed: 'false', changes: '' });
});
