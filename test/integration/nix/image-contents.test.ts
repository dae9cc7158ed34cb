// What an image may be made of, as Nix itself says it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { evaluate, requireKnownOutputs } from '../../../src/nix/evaluate.ts';
import { flakeLastModified } from '../../../src/nix/flake.ts';
import { workbench, writeFlake } from './workbench.ts';

test('content-addressed layers are refused when they are evaluated, by their field', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(
    folder,
    `
    usual = sh "usual" "echo a > $out" { };
    floating = sh "floating" "echo b > $out" {
      __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";
    };
    recipe = {
      name = "demo"; tag = "t"; config = { };
      layers = [ { name = "a"; target = usual; } { name = "b"; target = floating; } ];
    };
    image = usual // { inherit recipe; };
    `,
  );
  const features = 'extra-experimental-features = nix-command flakes ca-derivations';
  const env = { ...nix.env, NIX_CONFIG: [nix.env.NIX_CONFIG ?? '', features].join('\n') };
  const evaluation = await evaluate(
    { ...nix, env },
    {
      installables: [`path:${join(folder, 'flake')}#image`],
      ...{ cwd: folder, overrideInputs: [], acceptFlakeConfig: false },
    },
  );
  assert.throws(
    () => requireKnownOutputs(evaluation),
    /recipe\.layers\[1\]\.target: the path of the output "out" of .*floating\.drv is not known before it is built/,
  );
});

test('a flake whose own input cannot be had is dated with the one that stands in for it', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, 'usual = sh "usual" "echo a > $out" { };');
  const flake = join(folder, 'flake');
  const missing = 'inputs.shell = { url = "path:/there/is/none"; flake = false; };';
  await writeFile(join(flake, 'flake.nix'), `{ ${missing} outputs = { self, shell }: { }; }`);
  const stand = { input: 'shell', flake: `path:${join(folder, 'shell')}` };
  const dated = { installable: `path:${flake}#usual`, cwd: folder };
  const seconds = await flakeLastModified(nix, { ...dated, overrideInputs: [stand] });
  assert.ok(Math.abs(Date.now() / 1000 - seconds) < 3600, `${seconds}`);
  await assert.rejects(
    flakeLastModified(nix, { ...dated, overrideInputs: [] }),
    /created = "now", but .* does not know when it was changed/,
  );
});
