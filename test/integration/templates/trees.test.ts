import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hashTree } from '../../../src/wheels/tree/hash.ts';
import { nix, prepareStandIn, temporaryFolder } from './stand-in.ts';
import { type Pin, startWheelhouse } from './wheelhouse.ts';

const wheelsNix = fileURLToPath(new URL('../../../templates/layered/wheels.nix', import.meta.url));

const files = {
  'odd/__init__.py': 'x = 1\n',
  'odd-1.0.data/scripts/run': '#!python\nimport odd\n',
  'odd-1.0.data/headers/odd.h': '',
  'odd-1.0.dist-info/entry_points.txt': '[console_scripts]\nodd = odd:main\n',
};

test("a wheel's tree is one derivation with the lock's hash, and the same without it", async context => {
  const standIn = await prepareStandIn(context);
  const house = await startWheelhouse(context);
  const folder = await temporaryFolder(context, 'trees');
  const added = await house.addWheel({ name: 'odd', version: '1.0', files });
  const { url, hash, version } = added;
  const wheel = join(folder, 'odd.whl');
  await writeFile(wheel, Buffer.from(await (await fetch(url)).arrayBuffer()));
  const { unpacked, leftOut } = await hashTree(wheel, 'odd.whl');
  assert.equal(unpacked, added.unpacked);
  assert.deepEqual(leftOut, ['odd-1.0.data/headers']);

  const expression = (pin: Partial<Pin>, changes = '{ }') => `
    let
      pkgs = import ${standIn} { system = builtins.currentSystem; };
      wheels.torch.layer = "pytorch";
      wheels.odd = builtins.fromJSON ${JSON.stringify(JSON.stringify(pin))};
      project = import ${wheelsNix} { pkgs = pkgs // ${changes}; variant = { inherit wheels; }; order = [ ]; };
    in builtins.head (project.ofLayer "app")`;
  const bare = { url, hash, version, size: 1, layer: 'app' };
  const pin = { ...bare, unpacked };
  const build = async (text: string) => {
    const [built] = JSON.parse(
      await nix(['build', '--impure', '--no-link', '--json', '--expr', text]),
    ) as { outputs: { out: string } }[];
    return built?.outputs.out ?? '';
  };
  const pathOf = async (text: string) =>
    (await nix(['eval', '--impure', '--raw', '--expr', `(${text}).outPath`])).trim();

  const fixed = await build(expression(pin));
  assert.match(basename(fixed), /^.{32}-odd-1\.0$/);
  assert.equal((await nix(['hash', 'path', fixed])).trim(), unpacked);
  const plain = await build(expression(bare));
  assert.notEqual(plain, fixed);
  assert.equal((await nix(['hash', 'path', plain])).trim(), unpacked);

  const moved = '{ python3 = pkgs.runCommand "another" { } "mkdir $out"; }';
  assert.equal(await pathOf(expression(pin, moved)), fixed, 'it depends on more than its content');
  assert.notEqual(await pathOf(expression(bare, moved)), plain);

  const other = `sha256-${'A'.repeat(43)}=`;
  const lying = expression({ ...pin, hash: other, unpacked: other });
  await assert.rejects(build(lying), /its hash is sha256-.*, and not sha256-AAAA/);
});
