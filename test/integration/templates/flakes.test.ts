import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  build,
  closureOf,
  nameOf,
  nix,
  type Project,
  prepareStandIn,
  temporaryFolder,
  withStandIn,
} from './stand-in.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** What the top flake reads of the repository, as a fetch of it would bring. */
async function copyRepository(context: TestContext): Promise<Project> {
  const folder = await temporaryFolder(context, 'repository');
  for (const name of ['flake.nix', 'flake.lock', 'package.json', 'dist', 'templates']) {
    await cp(join(repository, name), join(folder, name), { recursive: true });
  }
  return { folder, nixpkgs: await prepareStandIn(context) };
}

const check = (project: Project) =>
  nix(['flake', 'check', '--no-build', `path:${project.folder}`, ...withStandIn(project)]);

test('the top flake has the program, with a Node from nixpkgs, and a development shell', async context => {
  const project = await copyRepository(context);
  await check(project);
  const flake = `path:${project.folder}`;
  const said = await nix(['run', flake, ...withStandIn(project), '--', 'build', '.#comfyui']);
  assert.match(said, /^node, a stand-in: \/nix\/store\/.*\/dist\/cli\.js build \.#comfyui$/m);
  const shell = await nix([
    ...['eval', `${flake}#devShells.x86_64-linux.default.name`, ...withStandIn(project)],
  ]);
  assert.match(shell, /nix-shell/);
});

for (const name of ['layered', 'simple']) {
  test(`nix flake init gives the template ${name}, which evaluates as a whole`, async context => {
    const { folder, nixpkgs } = await copyRepository(context);
    const project = { folder: await temporaryFolder(context, name), nixpkgs };
    await nix(['flake', 'init', '--template', `path:${folder}#${name}`], project.folder);
    const template = join(repository, 'templates', name);
    const files = async (of: string) => (await readdir(of, { recursive: true })).sort();
    assert.deepEqual(await files(project.folder), await files(template));
    const lock = await readFile(join(project.folder, 'flake.lock'));
    await check(project);
    assert.deepEqual(await readFile(join(project.folder, 'flake.lock')), lock, 'nothing to relock');
  });
}

test('the image of templates/simple is small, and runs what its script says', async context => {
  const folder = join(await temporaryFolder(context, 'simple'), 'project');
  await mkdir(folder);
  await cp(join(repository, 'templates/simple'), folder, { recursive: true });
  const project = { folder, nixpkgs: await prepareStandIn(context) };
  const [script = ''] = await build(project, ['comfyui']);
  const conf = /\/nix\/store\/[^ \n]*-conf\.json/.exec(await readFile(script, 'utf8'))?.[0] ?? '';
  const { config, repo_tag, store_layers } = JSON.parse(await readFile(conf, 'utf8'));
  assert.equal(repo_tag, 'comfyui:simple');
  assert.deepEqual(config.Entrypoint, ['/bin/start']);
  assert.equal(config.User, '1000:1000');
  const [base = ''] = store_layers.flat().filter((path: string) => path.endsWith('comfyui-simple'));
  assert.match(await readFile(join(base, 'bin/start'), 'utf8'), /pip install .*torch/);
  const names = [...(await closureOf(base))].map(nameOf);
  assert.deepEqual(
    names.filter(each => /cuda|cudnn|torch/.test(each)),
    [],
  );
});
