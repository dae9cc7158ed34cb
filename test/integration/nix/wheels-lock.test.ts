import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { prefetch } from '../../../src/commands/prefetch.ts';
import { runNix } from '../../../src/nix/nix.ts';
import { narHash } from '../../../src/wheels/nar.ts';
import { startPackageIndex } from '../../tools/package-index.ts';
import { workbench } from './workbench.ts';

test("a folder's NAR hash is the one that Nix computes", async context => {
  const { nix, folder } = await workbench(context);
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'empty'), { recursive: true });
  await mkdir(join(tree, 'a'));
  for (const size of [0, 1, 7, 8, 9, 100_000]) {
    await writeFile(join(tree, 'a', `size-${size}`), Buffer.alloc(size, 'x'));
  }
  // names in an order that only bytes have
  for (const name of ['B', 'a-b', 'a.b', 'é', '\u{ff61}', '\u{1f600}']) {
    await writeFile(join(tree, name), name);
  }
  await chmod(join(tree, 'B'), 0o755);
  await symlink('../somewhere/else', join(tree, 'link'));
  const { stdout } = await runNix(nix, 'nix', ['hash', 'path', tree]);
  assert.equal(await narHash(tree), stdout.trim());
});

test('Nix fetches wheels by a lock that was made here', async context => {
  const { nix, folder } = await workbench(context);
  const index = await startPackageIndex({ format: 'html' });
  context.after(() => index.stop());
  const name = 'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl';
  index.publish('cu130', name);
  const wheelsFile = join(folder, 'wheels.toml');
  const lockFile = join(folder, 'wheels.lock.json');
  await writeFile(
    wheelsFile,
    `cuda = ["cu130"]\npython = ["3.12"]\nindex = "${index.url}/{cuda}"\n[wheels.torch]\nversion = "2.10.0"\n`,
  );
  const settings = {
    ...{ wheelsFile, lockFile, verify: false, unpacked: false, check: false },
    githubToken: undefined,
  };
  await prefetch({ ...settings, temporaryDirectory: folder }, nix.host);
  const expression = `
    let
      lock = builtins.fromJSON (builtins.readFile ${lockFile});
      pin = lock.wheels.x86_64-linux.cu130.cp312.torch;
    in derivation {
      name = builtins.replaceStrings [ "%2B" ] [ "+" ] (baseNameOf pin.url);
      system = "builtin";
      builder = "builtin:fetchurl";
      inherit (pin) url;
      outputHash = pin.hash;
      outputHashMode = "flat";
      preferLocalBuild = true;
      executable = false;
      unpack = false;
    }`;
  const args = ['build', '--impure', '--no-link', '--json', '--expr', expression];
  const { code, stdout, stderr } = await runNix(nix, 'nix', args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /-torch-2\.10\.0\+cu130-cp312-cp312-manylinux_2_28_x86_64\.whl"/);
});
