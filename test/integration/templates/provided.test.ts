import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLock } from '../../../src/wheels/lock.ts';
import { startPackageIndex } from '../../tools/package-index.ts';
import { folderOfUv } from '../../tools/uv.ts';
import { run, temporaryFolder } from './stand-in.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

test('what a flake provides is not locked, and what it wants as wheels is', async context => {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  index.publish('all', 'a-1.0-py3-none-any.whl', { requires: ['Num>=2'] });
  index.publish('all', 'num-3.0-py3-none-any.whl');
  const folder = await temporaryFolder(context, 'provided');
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const told = (projects: string) =>
    write(
      'flake.nix',
      `{ outputs = _: { legacyPackages.x86_64-linux.provided."3.13" = { ${projects} }; }; }`,
    );
  const PATH = `${folderOfUv()}:${process.env.PATH}`;
  const prefetch = (...flags: string[]) =>
    run(process.execPath, [program, 'prefetch', ...flags], { cwd: folder, env: { PATH } });
  const file = join(folder, 'wheels.lock.json');
  const locked = async () => {
    const { wheels } = parseLock(await readFile(file, 'utf8'), file);
    const pins = Object.entries(wheels['x86_64-linux']?.cu130?.cp313 ?? {});
    return Object.fromEntries(pins.map(([name, { requiredBy }]) => [name, requiredBy]));
  };
  await write('list.txt', 'a==1.0\n');
  await write(
    'wheels.toml',
    `cuda = ["cu130"]\npython = ["3.13"]\npackage-index = "${index.url}/all"\n` +
      'requirements = ["list.txt"]\nprovided = ".#provided"\n',
  );
  await told('num = "2.4";');
  await prefetch();
  assert.deepEqual(await locked(), { a: ['list.txt'] });
  await told('num = "1.9";');
  await assert.rejects(prefetch('--check'), /a 1\.0 requires num >=2, and 1\.9 is there/);
  await told('Num = null;');
  await assert.rejects(prefetch('--check'), /it lacks num +of \.#provided/);
  await prefetch();
  assert.deepEqual(await locked(), { a: ['list.txt'], num: ['.#provided', 'a'] });
  await prefetch('--check');
  await write('flake.nix', '{ outputs = _: { }; }');
  await assert.rejects(prefetch(), /provided: \.#provided could not be evaluated/);
});
