import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Lock, parseLock } from '../../../src/wheels/lock.ts';
import { serve } from '../../tools/http-server.ts';
import { type PackageIndex, startPackageIndex } from '../../tools/package-index.ts';
import { zip } from '../../tools/zip.ts';
import { copyTemplate, sam2 } from './layered-project.ts';
import { build, run, temporaryFolder } from './stand-in.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const [cuda, python, abi] = ['cu130', '3.13', 'cp313'] as const;

/** The rules by which wheels have their layers. */
const layers = `[layers]
cuda = ["nvidia-*", "cuda-toolkit"]
pytorch = ["torch", "torchvision", "torchaudio", "triton", "cuda-*"]
performance = ["sageattention"]
app = ["comfyui-*"]
`;

test('templates/layered is built from a lock that prefetch has made', async context => {
  const project = await copyTemplate(context);
  const lockFile = join(project.folder, 'wheels.lock.json');
  const names = versionsIn(parseLock(await readFile(lockFile, 'utf8'), lockFile));
  const index = await startPackageIndex();
  context.after(() => index.stop());
  const repositories = new Map([
    ['comfyui', await repository(context, { 'main.py': 'print("ComfyUI")\n' })],
    ['sam-2', await repository(context, sam2)],
  ]);
  const wanted = [
    `cuda = ["${cuda}"]`,
    `python = ["${python}"]`,
    `index = "${index.url}/all"`,
    layers,
    ...[...names].flatMap(([name, version]) => [`[wheels.${name}]`, `version = "${version}"`]),
    ...[...repositories].flatMap(([name, folder]) => [
      `[sources.${name}]`,
      `url = "${pathToFileURL(folder)}"`,
      'ref = "main"',
    ]),
    ...['[sources.scale]', 'version = "1.0"'],
    `index = "${index.url}/all"`,
  ];
  index.add('all', 'scale-1.0.zip', zip(scale, 'deflated'));
  await writeFile(join(project.folder, 'wheels.toml'), `${wanted.join('\n')}\n`);
  publishAll(index, names);

  await run(process.execPath, [program, 'prefetch', '--unpacked'], { cwd: project.folder });
  const lock = parseLock(await readFile(lockFile, 'utf8'), lockFile);
  assert.deepEqual(versionsIn(lock), names);
  const pins = Object.entries(lock.wheels['x86_64-linux']?.[cuda]?.[abi] ?? {});
  assert.deepEqual(
    pins.filter(([, pin]) => pin.unpacked === undefined),
    [],
  );

  await serveArchives(context, lock, repositories);
  await writeFile(lockFile, JSON.stringify(lock));
  const targets = ['layer4-dependencies', 'layer6-app', 'layer4-sources'];
  const [, app = '', built = ''] = await build(
    project,
    targets.map(name => `${name}-${cuda}`),
  );
  const main = await readFile(join(app, 'opt/comfyui/main.py'), 'utf8');
  assert.equal(main, 'print("ComfyUI")\n');
  const { stdout } = await promisify(execFile)('find', ['-L', built, '-name', 'scale']);
  assert.match(stdout, /\/scale\n$/, 'the source archive was not built');
});

/** A source archive that pip builds without an index. */
const scale = Object.entries(sam2).map(([name, text]): [string, Buffer] => {
  const own = text.replaceAll('sam2', 'scale').replace(/ {4}assert .*\n/, '');
  return [`scale-1.0/${name}`, Buffer.from(own)];
});

const versionsIn = (lock: Lock): Map<string, string> => {
  const pins = lock.wheels['x86_64-linux']?.[cuda]?.[abi] ?? {};
  return new Map(Object.entries(pins).map(([name, { version }]) => [name, version]));
};

function publishAll(index: PackageIndex, names: ReadonlyMap<string, string>): void {
  for (const [name, version] of names) {
    index.publish('all', `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`);
  }
}

/** A Git repository with one commit; resolves with its folder. */
async function repository(context: TestContext, files: Record<string, string>): Promise<string> {
  const folder = join(await temporaryFolder(context, 'repository'), 'repository');
  await mkdir(folder);
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid'];
  const git = (...args: string[]) => run('git', ['-C', folder, ...identity, ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'all');
  return folder;
}

/** The stand-in's fetchgit takes archives as forges make them: they are served, and named in the lock. */
async function serveArchives(
  context: TestContext,
  lock: Lock,
  repositories: ReadonlyMap<string, string>,
): Promise<void> {
  const folder = await temporaryFolder(context, 'archives');
  const server = await serve(async (request, response) => {
    const [, name = ''] = (request.url ?? '').split('/');
    response.end(await readFile(join(folder, name)).catch(() => undefined));
  });
  context.after(server.stop);
  for (const [name, repository] of repositories) {
    const pin = lock.sources[name];
    assert.ok(pin && 'rev' in pin);
    const file = ['--format=tar.gz', '--prefix=source/', `--output=${join(folder, name)}`];
    await run('git', ['-C', repository, 'archive', ...file, pin.rev]);
    pin.url = `${server.url}/${name}`;
  }
}
