import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fitting, findClashes, knownPartners } from '../../../src/wheels/fit.ts';
import { readRequirements } from '../../../src/wheels/requirements.ts';
import type { Variant } from '../../../src/wheels/variant.ts';

const variant: Variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };

function wheel(name: string, filename: string, ignoredRequirements: string[] = []): Fitting {
  const version = filename.split('-')[1] ?? '';
  return { variant, name, filename, version, metadata: undefined, ignoredRequirements };
}

const tags = 'cp312-cp312-manylinux_2_28_x86_64.whl';
const torch = wheel('torch', `torch-2.10.0+cu130-${tags}`);

test('a set that fits', async () => {
  const set = [
    torch,
    wheel('torchvision', `torchvision-0.25.0+cu130-${tags}`),
    wheel('torchaudio', `torchaudio-2.10.0+cu130-${tags}`),
    wheel('flash-attn', 'flash_attn-2.8.3+cu13torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl'),
    wheel('xformers', 'xformers-0.0.35-cp39-abi3-manylinux_2_28_x86_64.whl'),
  ];
  assert.deepEqual(findClashes(set, new Map()), []);
});

test('each clash is named', async () => {
  const cases: [Fitting, RegExp | undefined][] = [
    [
      wheel('torchvision', `torchvision-0.24.0+cu130-${tags}`),
      /needs torch ==2\.9\.\*, but the set/,
    ],
    [
      wheel('torchaudio', `torchaudio-2.9.0+cu130-${tags}`),
      /torchaudio 2\.9\.0\+cu130 needs torch/,
    ],
    [wheel('torchaudio', `torchaudio-2.9.0+cu130-${tags}`, ['torch']), undefined],
    [wheel('torchvision', `torchvision-0.25.0+cu128-${tags}`), /is made for another CUDA/],
    [wheel('x', 'x-1+torch2.9-py3-none-any.whl'), /another CUDA or PyTorch than 2\.10\.0/],
    [wheel('x', 'x-1-cp313-cp313-linux_x86_64.whl'), /is for another Python or platform/],
    [wheel('x', 'x-1-cp312-cp312-linux_aarch64.whl'), /is for another Python or platform/],
    [wheel('x', 'x-1.tar.gz'), /x-1\.tar\.gz is no wheel/],
  ];
  for (const [each, expected] of cases) {
    const [clash, ...more] = findClashes([torch, each], new Map());
    assert.deepEqual(more, []);
    if (expected === undefined) assert.equal(clash, undefined);
    else assert.match(clash ?? '', expected);
  }
});

test('the pairs that PyTorch publishes', () => {
  const needed = (name: string, version: string) => knownPartners(name, version)[0]?.versions;
  assert.equal(needed('torchvision', '0.23.0+cu128'), '==2.8.*');
  assert.equal(needed('torchvision', '0.28.0'), '==2.13.*');
  assert.equal(needed('torchaudio', '2.8.0'), '==2.8.*');
  assert.equal(needed('torchaudio', '2.11.0'), '>=2.11');
  assert.equal(needed('torch', '2.11.0'), undefined);
});

test('requirements that certainly hold', () => {
  const metadata = [
    'Name: x',
    'Requires-Dist: torch==2.10.0',
    'Requires-Dist: Nvidia_Cublas (>=13.0,<14) ; platform_system == "Linux" and platform_machine == "x86_64"',
    'Requires-Dist: triton[all]==3.6.0; python_version < "3.13"',
    'Requires-Dist: old==1; python_version < "3.12"',
    "Requires-Dist: win==1; sys_platform == 'win32'",
    "Requires-Dist: extra==1; extra == 'dev'",
    'Requires-Dist: either==1; sys_platform == "linux" or os_name == "nt"',
    'Requires-Dist: any',
    'Requires-Dist: url @ https://a.example/x.whl',
    '',
    'Requires-Dist: body==1',
  ].join('\n');
  assert.deepEqual(readRequirements(metadata, variant), [
    { name: 'torch', extras: [], versions: '==2.10.0' },
    { name: 'nvidia-cublas', extras: [], versions: '>=13.0,<14' },
    { name: 'triton', extras: ['all'], versions: '==3.6.0' },
    { name: 'either', extras: [], versions: '==1' },
    { name: 'any', extras: [], versions: '' },
    { name: 'url', extras: [], versions: '' },
  ]);
  const [last] = readRequirements(metadata, variant, ['Dev']).filter(
    ({ name }) => name === 'extra',
  );
  assert.deepEqual(last, { name: 'extra', extras: [], versions: '==1' });
});

test('a marker of no variable of markers does not hold', () => {
  const metadata = 'Requires-Dist: a==1; constructor != "x"\nRequires-Dist: b==1; __proto__ != "x"';
  assert.deepEqual(readRequirements(metadata, variant), []);
});
