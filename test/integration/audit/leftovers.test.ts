import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { audit } from '../../../src/audit/audit.ts';
import { readSubject } from '../../../src/audit/read.ts';
import { closuresHere } from '../../../src/commands/audit/shared.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { runNix } from '../../../src/nix/nix.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';

/** Derivations that are called as what must not be in an image, and one that refers to them. */
const packages = `
  make = name: more: sh name "echo \${name} > $out" more;
  gcc = make "gcc-wrapper-14.3.0" { };
  rustc = make "rustc-1.91.0" { };
  headers = make "zlib-1.3.1-dev" { };
  bash = make "bash-5.3" { };
  library = make "gcc-14.3.0-lib" { };
  torch = make "python3.12-torch-2.10.0" { pname = "torch"; version = "2.10.0"; };

  layerOf = content: sh "layer0-base" "echo '\${content}' > $out" { };
  image = content: sh "comfyui" "echo > $out" { } // {
    recipe = {
      name = "comfyui";
      tag = "test";
      layers = [ { name = "layer0-base"; target = layerOf content; } ];
      config = { User = "1000"; };
    };
  };
  full = image "\${gcc} \${rustc} \${headers} \${library} \${bash.drvPath}";
  compiling = image "\${gcc} \${rustc} \${headers} \${library} \${torch}";
  unbuilt = image "\${gcc} is not built";
  fullLayer = layerOf "\${gcc} \${rustc} \${headers} \${library} \${bash.drvPath}";
  compilingLayer = layerOf "\${gcc} \${rustc} \${headers} \${library} \${torch}";
`;

async function auditBuilt(test: TestContext, attribute: string, build: boolean) {
  const { nix, folder } = await workbench(test);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  if (build) {
    const { code, stderr } = await runNix(
      nix,
      'nix',
      ['build', '--no-link', `.#${attribute}Layer`],
      {
        cwd,
      },
    );
    assert.equal(code, 0, stderr);
  }
  const evaluation = await evaluate(nix, {
    installables: [`.#${attribute}`],
    overrideInputs: [],
    cwd,
    acceptFlakeConfig: false,
  });
  return audit(await readSubject(evaluation), await closuresHere(nix, evaluation));
}

test('derivations, headers and compilers are found where nothing compiles', async t => {
  const { findings, unchecked } = await auditBuilt(t, 'full', true);
  assert.deepEqual(unchecked, []);
  const told = findings.map(({ rule, layer, message }) => `${rule} ${layer}: ${message}`);
  assert.equal(told.length, 3, told.join('\n'));
  const all = told.sort().join('\n');
  assert.match(all, /leftovers layer0-base: .* compilers: .*gcc-wrapper-14\.3\.0/);
  assert.match(all, /compilers: .*rustc-1\.91\.0/);
  assert.match(all, /derivations: .*bash-5\.3\.drv/);
  assert.match(all, /headers: .*zlib-1\.3\.1-dev/);
  assert.doesNotMatch(all, /gcc-14\.3\.0-lib/);
});

test('the C compiler is no leftover where PyTorch compiles when it runs; others are', async t => {
  const { findings } = await auditBuilt(t, 'compiling', true);
  const all = findings.map(({ message }) => message).join('\n');
  assert.match(all, /rustc-1\.91\.0/);
  assert.match(all, /zlib-1\.3\.1-dev/);
  assert.doesNotMatch(all, /gcc-wrapper/);
});

test('what is not built is said to be unchecked', async t => {
  const { findings, unchecked } = await auditBuilt(t, 'unbuilt', false);
  assert.deepEqual(findings, []);
  assert.match(unchecked.join(), /layer0-base/);
});
