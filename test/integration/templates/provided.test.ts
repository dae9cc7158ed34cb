import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLock } from '../../../src/wheels/lock.ts';
import { startPackageIndex } from '../../tools/package-index.ts';
import { run, temporaryFolder } from './stand-in.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

test('what a flake provides is not locked', async context => {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  index.publish('all', 'a-1.0-py3-none-any.whl', { requires: ['Num>=2'] });
  const folder = await temporaryFolder(context, 'provided');
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const flake = (version: string) =>
    write(
      'flake.nix',
      `{ outputs = _: { legacyPackages.x86_64-linux.provided."3.13".num = "${version}"; }; }`,
    );
  await write('list.txt', 'a==1.0\n');
  await write(
    'wheels.toml',
    `cuda = ["cu130"]\npython = ["3.13"]\npackage-index = "${index.url}/all"\n` +
      'requirements = ["list.txt"]\nprovided = ".#provided"\n',
  );
  await flake('2.4');
  await run(process.execPath, [program, 'prefetch'], { cwd: folder });
  const file = join(folder, 'wheels.lock.json');
  const lock = parseLock(await readFile(file, 'utf8'), file);
  const wheels = lock.wheels['x86_64-linux']?.cu130?.cp313 ?? {};
  assert.deepEqual(Object.keys(wheels), ['a']);
  await flake('1.9');
  const check = run(process.execPath, [program, 'prefetch', '--check'], { cwd: folder });
  await assert.rejects(check, /a 1\.0 requires num >=2, and 1\.9 is there/);
  await write('flake.nix', '{ outputs = _: { }; }');
  const without = run(process.execPath, [program, 'prefetch'], { cwd: folder });
  await assert.rejects(without, /provided: \.#provided could not be evaluated/);
});
