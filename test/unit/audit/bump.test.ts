import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditOf, nixpkgs, outPath, type Written, wheel } from './image.ts';

const stdenv: Written = {};

/** Something that nixpkgs' stdenv builds of a few things. */
const built = (inputs: readonly string[], env: Written['env'] = {}): Written => ({
  inputs: ['stdenv-linux', ...inputs],
  env,
});

/** A download of one file. */
const download = (url: string): Written => ({
  inputs: ['stdenv-linux'],
  env: { urls: url, outputHash: 'sha256-x', outputHashMode: 'flat' },
});

/** A package whose source is a download. */
const packageOf = (pname: string, src: string, more: readonly string[] = []): Written =>
  built([src, ...more], { pname, version: '1', src: outPath(src) });

/** Layer → what it holds, in MB, and of what it is made: of what it holds, where nothing else is said. */
type Layers = Record<string, { holds: Record<string, number>; of?: readonly string[] }>;

/** What is found of the images' layers of which the sizes are known, rule, layer and message. */
function found(written: Record<string, Written>, layers: Layers): string[] {
  const closures = new Map(
    Object.entries(layers).map(([layer, { holds }]) => [
      layer,
      Object.entries(holds).map(([name, size]) => ({ path: outPath(name), narSize: size * 1e6 })),
    ]),
  );
  const made = Object.fromEntries(
    Object.entries(layers).map(([layer, { holds, of }]) => [layer, of ?? Object.keys(holds)]),
  );
  const { findings } = auditOf(
    { 'stdenv-linux': stdenv, ...written },
    { User: '1000' },
    { closures, made },
  );
  return findings.map(({ rule, layer, message }) => `${rule} ${layer}: ${message}`);
}

const torchWheel = 'torch-2.14.1%2Bcu130-cp313-cp313-manylinux_2_28_x86_64.whl';
const base = { bash: nixpkgs('bash', '5.3') };

test('what a new nixpkgs leaves alone lies above what it changes', () => {
  const written = { ...base, 'torch-2.14.1': wheel(torchWheel, true) };
  const wheels = { holds: { 'torch-2.14.1': 1500 } };
  assert.deepEqual(found(written, { base: { holds: { bash: 2 } }, wheels }), [
    'order wheels: wheels holds 1500 MB that a new nixpkgs leaves alone, above base, which it changes.',
  ]);
  assert.deepEqual(found(written, { wheels, base: { holds: { bash: 2 } } }), []);
});

test('order: the limit is over 100 MB a layer, of many paths too', () => {
  const written = {
    ...base,
    a: wheel('a-1-py3-none-any.whl', true),
    b: wheel('b-1-py3-none-any.whl', true),
  };
  const above = (...sizes: [number, number]) =>
    found(written, {
      base: { holds: { bash: 2 } },
      wheels: { holds: { a: sizes[0], b: sizes[1] } },
    });
  assert.deepEqual(above(60, 40), []);
  assert.equal(above(60, 40.000001).length, 1);
});

test('order: what lies below as well, what moves, and sources that nobody builds do not count', () => {
  const written = {
    ...base,
    data: download('https://example.org/model.safetensors'),
    app: built(['data'], {}),
    big: nixpkgs('big', '1'),
  };
  const layers = {
    data: { holds: { data: 500 } },
    base: { holds: { bash: 2 } },
    app: { holds: { app: 1, data: 500, big: 300, 'nixpkgs-source': 300 }, of: ['app'] },
  };
  assert.deepEqual(found(written, layers), []);
});

test('order: a large download that a script of a moved layer links to is left alone, too', () => {
  const written = {
    ...base,
    data: download('https://example.org/model.safetensors'),
    app: built(['data']),
  };
  const layers = {
    base: { holds: { bash: 2 } },
    models: { holds: { app: 1, data: 500 }, of: ['app'] },
  };
  // at the top it is the app with what it brings, which changes more often than nixpkgs
  assert.deepEqual(found(written, layers), []);
  assert.deepEqual(found(written, { ...layers, top: { holds: {} } }), [
    'order models: models holds 500 MB that a new nixpkgs leaves alone, above base, which it changes.',
  ]);
});

test('order: what does not know nixpkgs moves nothing, and is not moved', () => {
  const written = { own: {}, 'torch-2.14.1': wheel(torchWheel, true) };
  assert.deepEqual(
    found(written, { base: { holds: { own: 500 } }, wheels: { holds: { 'torch-2.14.1': 1500 } } }),
    [],
  );
});

/** The same where the layers are not in the store: layer → its blobs. */
function foundInBlobs(
  written: Record<string, Written>,
  blobs: Record<string, readonly (readonly [size: number, ...names: string[]])[]>,
  hasRecipe = true,
) {
  const made = Object.fromEntries(
    Object.entries(blobs).map(([layer, all]) => [layer, all.flatMap(([, ...names]) => names)]),
  );
  const sized = Object.entries(blobs).map(
    ([layer, all]) =>
      [
        layer,
        all.map(([size, ...names]) => ({ paths: names.map(outPath), size: size * 1e6 })),
      ] as const,
  );
  const all = { 'stdenv-linux': stdenv, ...written };
  return auditOf(all, { User: '1000' }, { made, blobs: new Map(sized), hasRecipe });
}

test('sizes of what is reused are those of its blobs; of a path that shares one it is not known', () => {
  const written = {
    ...base,
    'torch.whl': wheel(torchWheel),
    torch: packageOf('torch', 'torch.whl'),
    a: wheel('a-1-py3-none-any.whl', true),
    b: wheel('b-1-py3-none-any.whl', true),
  };
  const { findings, unchecked } = foundInBlobs(written, {
    base: [[2, 'bash']],
    wheels: [[500, 'a', 'b']],
    alone: [[1500, 'torch']],
  });
  assert.deepEqual(
    findings.map(({ rule, layer, message }) => [rule, layer, /\d+ MB/.exec(message)?.[0]]),
    [
      ['order', 'wheels', '500 MB'],
      ['bump-fragile', 'alone', '1500 MB'],
    ],
  );
  assert.equal(unchecked.length, 1);
  assert.match(unchecked.join(), /^Headers, .* base, wheels, alone: /);
  const shared = foundInBlobs(written, {
    base: [[2, 'bash']],
    // the blob is moved as a whole
    mixed: [[1500, 'torch', 'a']],
  });
  assert.deepEqual(shared.findings, []);
});

test('order: each blob of an image that another tool makes is a layer', () => {
  const written = {
    ...base,
    'torch.whl': wheel(torchWheel),
    torch: packageOf('torch', 'torch.whl'),
    'torch-2.14.1': wheel(torchWheel, true),
  };
  const of = (...blobs: [number, ...string[]][]) =>
    foundInBlobs(written, { comfyui: blobs }, false).findings.map(({ message }) =>
      message.replace(/(?:, though| that a new).*/, ''),
    );
  const [base_, wheels, patched] = [
    [2, 'bash'] as [number, string],
    [1500, 'torch-2.14.1'] as [number, string],
    [1600, 'torch'] as [number, string],
  ];
  assert.deepEqual(of(wheels, base_), []);
  assert.deepEqual(of(base_, wheels), ['layer 2 of comfyui holds 1500 MB']);
  assert.deepEqual(of(base_, patched), ['comfyui holds 1600 MB that each new nixpkgs moves']);
});

test('order: what an unknown layer below may hold is not told, and it is said', () => {
  const written = {
    ...base,
    'torch-2.14.1': wheel(torchWheel, true),
    other: nixpkgs('other', '1'),
  };
  const closures = new Map([['wheels', [{ path: outPath('torch-2.14.1'), narSize: 1.5e9 }]]]);
  const { findings, unchecked } = auditOf(
    { 'stdenv-linux': stdenv, ...written },
    { User: '1000' },
    { closures, made: { base: ['bash', 'other'], wheels: ['torch-2.14.1'] } },
  );
  assert.deepEqual(findings, []);
  assert.match(unchecked.join('\n'), /What a new nixpkgs moves .* base: /);
});

test('a wheel that a derivation unpacks is moved as a whole by a new nixpkgs', () => {
  const written = {
    'torch.whl': wheel(torchWheel),
    torch: packageOf('torch', 'torch.whl'),
    script: built(['torch.whl'], { buildCommand: 'pip install --no-index' }),
    wheels: built(['torch.whl'], { buildCommand: 'ln -s' }),
    'by-folder': built(['wheels'], { buildCommand: 'pip install --no-index --find-links wheels' }),
  };
  for (const name of ['torch', 'script', 'by-folder']) {
    assert.deepEqual(found(written, { pytorch: { holds: { [name]: 1500 } } }), [
      `bump-fragile pytorch: pytorch holds 1500 MB that each new nixpkgs moves, though only store paths in it change: ${name} (1500 MB).`,
    ]);
  }
});

test('bump-fragile: the limit is over 100 MB a path', () => {
  const written = {
    'a.whl': wheel('a-1-py3-none-any.whl'),
    'b.whl': wheel('b-1-py3-none-any.whl'),
    a: packageOf('a', 'a.whl'),
    b: packageOf('b', 'b.whl'),
  };
  const of = (a: number, b: number) => found(written, { wheels: { holds: { a, b } } });
  assert.deepEqual(of(100, 100), []);
  assert.deepEqual(of(100.000001, 99), [
    'bump-fragile wheels: wheels holds 100 MB that each new nixpkgs moves, though only store paths in it change: a (100 MB).',
  ]);
});

test('bump-fragile: archives of programs, by what they are called or by who patches them', () => {
  const nvidia = 'https://developer.download.nvidia.com/compute/cuda/redist';
  const archives = [
    `${nvidia}/libcublas/linux-x86_64/libcublas-linux-x86_64-13.0.0.19-archive.tar.xz`,
    `${nvidia}/libcublas/linux-sbsa/libcublas-linux-sbsa-13.0.0.19-archive.tar.xz`,
    'https://example.org/chrome_140_amd64.deb',
    'https://example.org/TensorRT-10.13.Linux.x86_64-gnu.cuda-12.9.tar.gz',
    'https://example.org/cuda_13.0_linux.run',
  ];
  for (const url of archives) {
    const written = { archive: download(url), it: packageOf('it', 'archive') };
    assert.equal(found(written, { base: { holds: { it: 500 } } }).length, 1, url);
  }
  const patched = (url: string, tools: readonly string[]) => {
    const written = {
      archive: download(url),
      'auto-patchelf-hook': built([]),
      'cmake-4.1': nixpkgs('cmake', '4.1'),
      it: packageOf('it', 'archive', tools),
    };
    return found(written, { base: { holds: { it: 500 } } }).length;
  };
  assert.equal(patched('https://example.org/it-1.tar.gz', ['auto-patchelf-hook']), 1);
  // what is compiled first changes with its compiler
  const compiled = ['auto-patchelf-hook', 'cmake-4.1'];
  assert.equal(patched('https://example.org/it-1.tar.gz', compiled), 0);
});

test('bump-fragile: what is compiled, fetched or shipped beside is none', () => {
  const written = {
    'source.tar.gz': download('https://example.org/torch-2.14.1.tar.gz'),
    'ninja.whl': wheel('ninja-1.13-py3-none-manylinux_2_28_x86_64.whl'),
    compiled: packageOf('torch', 'source.tar.gz'),
    // its own source, with wheels to build it by
    helped: built(['source.tar.gz', 'ninja.whl']),
    data: download('https://example.org/model.safetensors'),
    'torch-2.14.1': wheel(torchWheel, true),
    bytecode: built(['torch-2.14.1'], { buildCommand: 'python -m compileall' }),
  };
  const holds = { compiled: 500, helped: 500, data: 500 };
  const layers = {
    wheels: { holds: { 'torch-2.14.1': 1500 } },
    base: { holds: { bytecode: 120 } },
  };
  assert.deepEqual(found(written, { all: { holds } }), []);
  assert.deepEqual(found(written, layers), []);
  const byTrees = {
    ...written,
    'torch.whl': wheel(torchWheel),
    tree: built(['torch.whl'], { src: outPath('torch.whl'), buildCommand: 'python3 unpack.py' }),
    'bytecode-of-tree': built(['tree'], { buildCommand: 'python -m compileall' }),
  };
  const trees = { wheels: { holds: { tree: 90 } }, base: { holds: { 'bytecode-of-tree': 120 } } };
  assert.deepEqual(found(byTrees, trees), []);
  // a copy of what is not there is what it was made of
  assert.equal(found(written, { base: { holds: { bytecode: 1500 } } }).length, 1);
});

test('bump-fragile: the largest are named, the sum is of all', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const written = Object.fromEntries(
    names.flatMap(name => [
      [`${name}.whl`, wheel(`${name}-1-py3-none-any.whl`)],
      [name, packageOf(name, `${name}.whl`)],
    ]),
  );
  const holds = Object.fromEntries(names.map((name, at) => [name, 200 + at]));
  assert.deepEqual(found(written, { wheels: { holds } }), [
    'bump-fragile wheels: wheels holds 1421 MB that each new nixpkgs moves, though only store paths in it change: g (206 MB), f (205 MB), e (204 MB), d (203 MB), c (202 MB) and 2 more.',
  ]);
});
