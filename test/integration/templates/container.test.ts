import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Podman, startPodman } from '../../tools/podman.ts';
import { makeLibrary, smallProject } from './layered-project.ts';
import { build, type Project, run, temporaryFolder } from './stand-in.ts';
import { makeWheel } from './wheelhouse.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

/** An image in a container engine. */
interface Image {
  podman: Podman;
  /** As `podman images` names it. */
  name: string;
}

/** Runs the image; options of `podman run` come before `--`, arguments after it. */
function start({ podman, name }: Image, ...words: string[]): Promise<string> {
  const at = words.indexOf('--');
  const options = at < 0 ? words : words.slice(0, at);
  const args = at < 0 ? [] : words.slice(at + 1);
  return podman.run('run', '--rm', '--network=none', ...options, name, ...args);
}

/** Runs a script of the image's shell. */
const shell = (image: Image, script: string, ...options: string[]) =>
  start(image, ...options, '--entrypoint', '/bin/sh', '--', '-c', script);

test('the image of templates/layered in a container', async context => {
  const project = await smallProject(context);
  const podman = startPodman('127.0.0.1:5000');
  context.after(() => podman.dispose());
  const images = { 'by Nix alone': streamed, 'by comfy-nix': built };
  for (const [how, load] of Object.entries(images)) {
    await context.test(`made ${how}`, async inner => {
      const image = { podman, name: await load(project, podman, inner) };
      await inner.test('its entry point passes the check and finds every layer', entryPoint(image));
      await inner.test('it has the folders, users and files that programs expect', system(image));
      await inner.test('pip installs into the overlay, never into the store', overlay(image));
      await inner.test('a driver that is mounted is found, beside one C library', driver(image));
      await podman.run('rmi', '--force', image.name);
    });
  }
});

/** `nix build .#comfyui && ./result | podman load`. */
async function streamed(project: Project, podman: Podman, context: TestContext): Promise<string> {
  const [script = ''] = await build(project, ['comfyui']);
  const file = join(await temporaryFolder(context, 'archive'), 'image.tar');
  await run('/bin/sh', ['-c', '"$0" > "$1"', script, file]);
  await podman.run('load', '--input', file);
  return 'localhost/comfyui:cu130-py313';
}

/** `comfy-nix build .#comfyui` into an OCI layout. */
async function built(project: Project, podman: Podman, context: TestContext): Promise<string> {
  const layout = join(await temporaryFolder(context, 'layout'), 'image');
  const overrides = ['--override-inputs', `nixpkgs=path:${project.nixpkgs}`];
  const flake = `path:${project.folder}#comfyui`;
  const gzip = ['--compression', 'gzip']; // skopeo makes no archive of zstd
  const image = ['--image', `oci:${layout}`, ...gzip];
  await run(process.execPath, [program, 'build', flake, ...image, ...overrides]);
  const file = join(layout, '../image.tar');
  await run('skopeo', ['copy', `oci:${layout}:cu130-py313`, `docker-archive:${file}:built:x`]);
  await podman.run('load', '--input', file);
  return 'docker.io/library/built:x';
}

const entryPoint = (image: Image) => async () => {
  const labels = await image.podman.run(
    'inspect',
    '--format',
    '{{json .Config.Labels}}',
    image.name,
  );
  const check: string = JSON.parse(labels)['org.comfy-nix.check'];
  const said = await start(image, '--', ...check.split(' '));
  assert.match(said, /^ComfyUI 0\.33\.1: numpy 1\.0 torch 2\.14\.1 .* sam2 1\.0 /);
  assert.match(said, /quick=True cpu=True/);
  const usual = await start(image);
  assert.match(usual, /quick=False/, 'without arguments it serves');
};

const system = (image: Image) => async () => {
  const facts = await shell(
    image,
    `stat -c '%n %F %a %u' /tmp /var/tmp /run /etc /usr/lib64 /usr/lib/x86_64-linux-gnu /home/comfy \\
       /data /data/models
     id -u; id -un; touch ~/writable /data/models/writable /tmp/writable
     ls -l /bin/sh /usr/bin/env /lib64/ld-linux-x86-64.so.2 > /dev/null
     cat /etc/ssl/certs/ca-certificates.crt "$TZDIR/UTC" > /dev/null
     echo "$LANG"; /usr/bin/env true; torchrun`,
  );
  assert.deepEqual(facts.trim().split('\n'), [
    '/tmp directory 1777 0',
    '/var/tmp directory 1777 0',
    '/run directory 755 0',
    '/etc directory 755 0',
    '/usr/lib64 directory 755 0',
    '/usr/lib/x86_64-linux-gnu directory 755 0',
    '/home/comfy directory 755 1000',
    '/data directory 755 1000',
    '/data/models directory 755 1000',
    '1000',
    'comfy',
    'C.UTF-8',
    'torchrun, a stand-in',
  ]);
};

const overlay = (image: Image) => async (context: TestContext) => {
  const folder = await temporaryFolder(context, 'overlay');
  // a newer version of what the image has, and something new
  for (const [name, version] of [
    ['numpy', '9.0'],
    ['extra', '1.0'],
  ]) {
    await makeWheel(join(folder, `${name}-${version}-py3-none-any.whl`), {
      [`${name}/__init__.py`]: `__version__ = "${version}"\n`,
      [`${name}-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
      [`${name}-${version}.dist-info/WHEEL`]:
        'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      [`${name}-${version}.dist-info/RECORD`]: '',
    });
  }
  const said = await shell(
    image,
    `pip install --quiet --no-index --find-links /wheels --upgrade numpy extra torch &&
     python3 -c 'import extra, numpy, torch
for module in extra, numpy, torch: print(module.__version__, module.__file__)'`,
    ...['--volume', `${folder}:/wheels:ro`],
  );
  assert.match(said, /^1\.0 \/home\/comfy\/\.local\/lib\/.*\/extra\//m);
  assert.match(said, /^9\.0 \/home\/comfy\/\.local\/lib\/.*\/numpy\//m, 'the overlay comes first');
  assert.match(said, /^2\.14\.1 \/opt\/python\/pytorch\/torch\//m, 'the image has it');
};

const driver = (image: Image) => async (context: TestContext) => {
  const folder = await temporaryFolder(context, 'driver');
  const library = join(folder, 'libcuda.so.1');
  await makeLibrary(library, ['libm.so.6']);
  await writeFile(join(folder, 'probe.py'), probe);
  for (const place of ['/usr/lib/x86_64-linux-gnu', '/usr/lib64']) {
    const mounts = [
      ...['--volume', `${library}:${place}/libcuda.so.1:ro`],
      ...['--volume', `${folder}/probe.py:/probe.py:ro`],
    ];
    // as root, like the container toolkit; the entry point as it is started after it
    const script =
      'ldconfig && ldconfig -p && python3 /probe.py && /opt/comfyui/entrypoint --quick-test-for-ci';
    const said = await shell(image, script, ...mounts, '--user', '0');
    assert.match(said, new RegExp(`libcuda\\.so\\.1 .* => ${place}/libcuda\\.so\\.1`));
    const found = JSON.parse(/^\{.*\}$/m.exec(said)?.[0] ?? '{}');
    assert.deepEqual(found.driver, [`${place}/libcuda.so.1`]);
    assert.equal(found.clibraries.length, 1, found.clibraries.join(' '));
    assert.match(found.clibraries[0], /^\/nix\/store\//);
    assert.match(said, new RegExp(`^TRITON_LIBCUDA_PATH=${place}$`, 'm'));
  }
  const without = shell(image, `python3 -c 'import ctypes; ctypes.CDLL("libcuda.so.1")'`);
  await assert.rejects(without, /libcuda\.so\.1: cannot open shared object file/);
};

/** Opens by name what PyTorch does, and says what the process has then mapped. */
const probe = `import ctypes, json
for name in ("libcuda.so.1", "libnvrtc.so.13", "libcudnn_ops.so.9", "libstdc++.so.6"):
    ctypes.CDLL(name)
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
print(json.dumps({
    "driver": sorted(path for path in mapped if "libcuda.so" in path),
    "clibraries": sorted(path for path in mapped if "/libc.so" in path or "/libc-" in path),
}))
`;
