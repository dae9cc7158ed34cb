import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installsIn } from '../../../src/audit/installs.ts';
import { readRequirementFile } from '../../../src/audit/pip.ts';
import { commandsOf } from '../../../src/audit/shell.ts';

const installs = (script: string) => installsIn(commandsOf(script));
const names = (script: string) =>
  installs(script).flatMap(({ packages }) => packages.map(p => p.name));

test('pip is found however it is called, with what it installs', () => {
  for (const call of [
    'pip install torch==2.10.0 "torchvision>=0.25"',
    '/data/venv/bin/pip3.12 --quiet install --upgrade torch==2.10.0 torchvision',
    'python3 -m pip install --target "$out" --index-url https://i/cu130 torch==2.10.0 torchvision',
    '$PYTHON -m pip install torch==2.10.0 torchvision > log 2>&1',
    'uv pip install torch==2.10.0 torchvision',
  ]) {
    const [install, ...more] = installs(call);
    assert.deepEqual(more, [], call);
    assert.equal(install?.offline, false, call);
    assert.deepEqual(install?.packages, [
      { name: 'torch', version: '2.10.0', python: true },
      { name: 'torchvision', python: true },
    ]);
  }
});

test('without an index, or with files that bring nothing, nobody is asked', () => {
  const isOffline = (script: string) => installs(script).map(({ offline }) => offline);
  assert.deepEqual(isOffline('pip install --no-index --find-links /wheels torch'), [true]);
  assert.deepEqual(isOffline('export PIP_NO_INDEX=1; pip install torch'), [true]);
  assert.deepEqual(isOffline('pip install --no-deps ./torch-2.10.0-py3-none-any.whl'), [true]);
  assert.deepEqual(isOffline('pip install ./torch-2.10.0-py3-none-any.whl'), [false]);
  assert.deepEqual(isOffline('pip install .'), [false]);
  assert.deepEqual(isOffline('npm ci --offline; npm ci'), [true, false]);
});

test('what only speaks of installing is no installation', () => {
  for (const script of [
    '# pip install a',
    'echo "run pip install a"',
    'pip list',
    'python3 main.py install a',
    'exec python3 -m pip "$@"',
    'curl --fail http://127.0.0.1:8188/',
    'git config --global user.name x',
    'substituteInPlace setup.py --replace "pip install a" ""',
    'apt list install',
  ]) {
    assert.deepEqual(installs(script), [], script);
  }
});

test('Git, downloads and package managers are found', () => {
  const clone = installs('git clone --depth 1 -b main https://github.com/Comfy-Org/ComfyUI.git x');
  assert.deepEqual(clone[0]?.packages, [{ name: 'ComfyUI', version: 'main', python: false }]);
  assert.deepEqual(names('wget -q https://example.org/models/sd15.safetensors?download=true'), [
    'sd15.safetensors',
  ]);
  assert.deepEqual(names('apt-get install -y ffmpeg libgl1'), ['ffmpeg', 'libgl1']);
  assert.deepEqual(names('cd x && git pull'), ['what git pull brings']);
});

test('lists of requirements are named, also those of a loop', () => {
  const script = 'for f in a.txt b.txt; do\n  pip install -r "$f" --requirement=c.txt\ndone';
  assert.deepEqual(installs(script)[0]?.requirementFiles, ['a.txt', 'b.txt', 'c.txt']);
});

test('a list of requirements is read', () => {
  const { wanted, addresses } = readRequirementFile(
    [
      'torch==2.10.0 # with a comment',
      '--index-url https://download.pytorch.org/whl/cu130',
      '  Comfy_UI.Frontend[all]>=1.2 ; python_version < "3.14"',
      '-e git+https://github.com/facebookresearch/sam2.git@main#egg=sam2',
      'https://example.org/flash_attn-2.8.3%2Bcu13-cp312-cp312-linux_x86_64.whl',
      './local',
      '',
    ].join('\n'),
  );
  assert.deepEqual(wanted, [
    { name: 'torch', version: '2.10.0' },
    { name: 'comfy-ui-frontend' },
    { name: 'sam2' },
    { name: 'flash-attn', version: '2.8.3+cu13' },
  ]);
  assert.equal(addresses.length, 3);
});
