import assert from 'node:assert/strict';
import { chown, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { processRunner } from '../../../src/host/process.ts';
import { readDerivationNode } from '../../../src/nix/derivation.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { namedTargets } from '../../../src/nix/recipe-layers.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { workbench, writeFlake } from './workbench.ts';

const packages = `
  layer0 = sh "layer0-base" "echo base > $out" { };
  layer1 = sh "layer1-py" "echo \${layer0} > $out" { };
  multi = sh "multi" "echo o > $out; echo l > $lib" { outputs = [ "out" "lib" ]; };
  recipe = {
    name = "demo"; tag = "cu130";
    layers = [
      { name = "layer0-base"; target = layer0; }
      { name = "layer1-py"; target = layer1; image = false; }
    ];
    root = [ multi.lib ];
    directories = [ { path = "/tmp"; mode = "1777"; } ];
    config = {
      Entrypoint = [ "\${multi.lib}/bin/run" multi ];
      Cmd = [ ./flake.nix ];
      Env = [ "A=1" ];
      ExposedPorts."8188/tcp" = { };
    };
  };
  comfyui = layer1 // { passthru = { inherit recipe; }; };
  merged = layer1 // {
    recipe = recipe // {
      layers = [
        { name = "wheels"; targets = [ layer0 multi.lib ]; }
        { name = "none"; targets = [ ]; }
      ];
      folders = [ {
        at = "/opt/python";
        from = [ multi "\${multi.lib}/lib" "\${multi.lib}//nvidia/" ./. shell "\${shell}/busybox" ];
      } ];
    };
  };
  folder = from: layer1 // { recipe = recipe // { folders = [ { at = "/a"; inherit from; } ]; }; };
  literal = folder [ "/nix/store/x" ];
  behind = folder [ "a\${multi}" ];
  two = folder [ "\${multi}\${layer0}" ];
  up = folder [ "\${multi}/../x" ];
  beside = folder [ "\${multi}x" ];
  drv = folder [ "\${multi.drvPath}" ];
  number = folder [ 5 ];
  set = folder [ { a = 1; } ];
  bare = layer1 // { inherit recipe; };
  plain = layer1;
  wrong = layer1 // { recipe = recipe // { layers = [ { name = "a"; target = "text"; } ]; }; };
  strange = layer1 // { recipe = recipe // { config.Cmd = [ (x: x) ]; }; };
  throws = throw "out of cheese";
  notDerivation = { a = 1; };
`;

const request = (cwd: string, ...installables: string[]) => ({
  installables,
  cwd,
  overrideInputs: [],
  acceptFlakeConfig: false,
});

/** Without the hash, and without that of a source that a path of the flake is copied from. */
const nameOf = (path: string) => path.slice(44).replace(/^[0-9a-z]{32}-/, '');

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, String(error));
  return error;
}

test('a recipe is evaluated with all of its derivations in one process', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  let processes = 0;
  const counting: Nix = {
    ...nix,
    host: {
      ...nix.host,
      run: command => {
        processes += 1;
        return nix.host.run(command);
      },
    },
  };
  const cwd = join(folder, 'flake');
  const { target, recipe, system, installable } = await evaluate(
    counting,
    request(cwd, '.#comfyui'),
  );

  assert.equal(processes, 1);
  assert.equal(installable, '.#comfyui');
  assert.match(system, /-linux$/);
  assert.equal(target.name, 'layer1-py');
  assert.match(target.outPath, /^\/nix\/store\/[0-9a-z]{32}-layer1-py$/);
  assert.ok(recipe);
  assert.deepEqual(
    recipe.layers.map(({ name, image }) => ({ name, image })),
    [
      { name: 'layer0-base', image: true },
      { name: 'layer1-py', image: false },
    ],
  );
  assert.equal(namedTargets(recipe.layers)[1]?.drvPath, target.drvPath);
  assert.deepEqual(recipe.directories, [{ path: '/tmp', mode: '1777', uid: 0, gid: 0 }]);
  assert.equal(recipe.created, '1970-01-01T00:00:01Z');
  const [lib] = recipe.root;
  assert.equal(lib?.outputName, 'lib');
  const multi = readDerivationNode(lib?.drvPath ?? '');
  assert.equal(multi.outputs.get('lib'), lib?.outPath);
  assert.deepEqual(recipe.config.Entrypoint, [`${lib?.outPath}/bin/run`, multi.outputs.get('out')]);
  assert.deepEqual(recipe.config.ExposedPorts, { '8188/tcp': {} });
  assert.deepEqual(
    new Set(recipe.referredOutputs.map(({ outPath }) => outPath)),
    new Set(multi.outputs.values()),
  );
  assert.deepEqual(recipe.referredSources, recipe.config.Cmd);
  assert.match(recipe.referredSources[0] ?? '', /-flake\.nix$/);
});

test('folders are read with what their sources refer to, and layers of several targets', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const { recipe } = await evaluate(nix, request(join(folder, 'flake'), '.#merged'));
  assert.ok(recipe);
  assert.deepEqual(
    namedTargets(recipe.layers).map(({ name, outPath }) => `${name} ${outPath.slice(44)}`),
    ['wheels layer0-base', 'wheels multi-lib'],
  );
  assert.deepEqual(
    recipe.folders.map(({ at, from }) => ({
      at,
      from: from.map(({ outPath, below }) => `${nameOf(outPath)} ${below}`),
    })),
    [
      {
        at: '/opt/python',
        from: [
          'multi ',
          'multi-lib lib',
          'multi-lib nvidia',
          'source ',
          'source ',
          'source busybox',
        ],
      },
    ],
  );
  assert.deepEqual(
    recipe.referredOutputs.map(({ outputName, outPath }) => `${outputName} ${outPath.slice(44)}`),
    ['out multi', 'lib multi-lib'],
  );
  const names = recipe.referredSources.map(nameOf);
  assert.deepEqual(names, ['source', 'source', 'flake.nix']);
});

test('what folders cannot be merged from is named by field', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  for (const name of ['literal', 'behind', 'two', 'up', 'beside', 'drv', 'number', 'set']) {
    const { message } = await failureOf(evaluate(nix, request(cwd, `.#${name}`)));
    assert.match(message, /^recipe\.folders\[0\]\.from\[0\]: expected a derivation/, name);
  }
});

test('a recipe may be an attribute of the target itself, or not be there', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const bare = await evaluate(nix, request(cwd, '.#bare'));
  assert.equal(bare.recipe?.name, 'demo');
  const plain = await evaluate(nix, request(cwd, '.#plain'));
  assert.equal(plain.recipe, undefined);
});

test('the next installable is tried only when the one before is missing', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const found = await evaluate(nix, request(cwd, '.#nowhere', '.#plain'));
  assert.equal(found.installable, '.#plain');
  const failure = await failureOf(evaluate(nix, request(cwd, '.#throws', '.#plain')));
  assert.match(failure.details.evidence?.join('\n') ?? '', /out of cheese/);
});

test('inputs can be overridden', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const before = await evaluate(nix, request(cwd, '.#plain'));
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'busybox'), 'another');
  const after = await evaluate(nix, {
    ...request(cwd, '.#plain'),
    overrideInputs: [{ input: 'shell', flake: `path:${other}` }],
  });
  assert.notEqual(after.target.outPath, before.target.outPath);
});

test('it is told whether the lock file has all inputs as they were used', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const isLocked = async (overrideInputs: { input: string; flake: string }[] = []) =>
    (await evaluate(nix, { ...request(cwd, '.#plain'), overrideInputs })).locked;
  assert.equal(await isLocked(), false, 'there was none');
  assert.equal(await isLocked(), true);
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'busybox'), 'another');
  assert.equal(await isLocked([{ input: 'shell', flake: `path:${other}` }]), false);
});

test('wrong shapes are named by field', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const messages = [];
  for (const name of ['wrong', 'strange', 'notDerivation']) {
    messages.push((await failureOf(evaluate(nix, request(cwd, `.#${name}`)))).message);
  }
  assert.deepEqual(messages, [
    'recipe.layers[0].target: expected a derivation, found a string ("text")',
    'recipe.config.Cmd[0]: expected a string, found a function',
    '.#notDerivation: expected a derivation, found a set',
  ]);
});

test('missing flakes and attributes are named, with what is similar', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const typo = await failureOf(evaluate(nix, request(cwd, '.#comfyu', '.#default')));
  assert.equal(typo.message, 'The flake has no target .#comfyu, nor .#default.');
  assert.match(typo.details.next ?? '', /comfyui/);
  const empty = await failureOf(evaluate(nix, request(folder, 'path:./shell#x')));
  assert.equal(empty.message, 'There is no flake.nix in path:./shell.');
  const up = await failureOf(evaluate(nix, request(join(folder, 'shell'), '.#x')));
  assert.equal(up.message, `There is no flake.nix in ${folder}/shell.`);
  const nowhere = await failureOf(evaluate(nix, request(cwd, './nowhere#x')));
  assert.equal(nowhere.message, `There is no flake at ${cwd}/nowhere.`);
});

test("a checkout of another user names git's safe.directory", async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const cwd = join(folder, 'flake');
  const git = (...args: string[]) => nix.host.run({ file: 'git', args, cwd, limit: 'none' });
  await git('init', '--quiet');
  await git('add', '--all');
  for (const name of ['', ...(await readdir(cwd, { recursive: true }))]) {
    await chown(join(cwd, name), 12345, 12345);
  }
  const failure = await failureOf(evaluate(nix, request(cwd, '.#plain')));
  assert.equal(failure.details.next, `git config --global --add safe.directory ${cwd}`);
  assert.deepEqual(failure.details.evidence, []);
});

test('a git that is missing is named where Nix needs one', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink('/bin/sh', join(bin, 'sh'));
  const without = {
    ...nix,
    host: { ...nix.host, run: processRunner({ ...process.env, PATH: bin }) },
  };
  const failure = await failureOf(
    evaluate(without, request(folder, 'git+ssh://127.0.0.1:1/nowhere#x')),
  );
  assert.match(failure.message, /^git is missing/);
});

test('folders with blanks and other special characters in their names are found', async t => {
  const { nix, folder } = await workbench(t);
  const odd = join(folder, '50% #1 what?');
  await mkdir(odd);
  await writeFlake(folder, packages);
  await rename(join(folder, 'flake'), join(odd, 'flake'));
  const flake = `path:${join(odd, 'flake')}#plain`;
  assert.match((await evaluate(nix, request(odd, flake))).target.name, /^layer1-py$/);
  if (nix.version.startsWith('2.8.')) {
    const { details, message } = await failureOf(evaluate(nix, request(folder, `${odd}#plain`)));
    assert.match(message, /^This Nix cannot read the address /);
    assert.match(details.next ?? '', /need a newer Nix/);
  } else {
    assert.match((await evaluate(nix, request(folder, flake))).target.name, /^layer1-py$/);
  }
});

test('an input that is overridden by what is not there is named', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, packages);
  const { message } = await failureOf(
    evaluate(nix, {
      ...request(folder, 'path:./flake#plain'),
      overrideInputs: [{ input: 'shell', flake: 'path:./nowhere' }],
    }),
  );
  assert.equal(
    message,
    `The input shell is to be path:./nowhere, and there is nothing at ${folder}/nowhere.`,
  );
});
