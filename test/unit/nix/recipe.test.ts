import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { imageConfig } from '../../../src/image/config.ts';
import { readRecipe } from '../../../src/nix/recipe.ts';
import { isShipped, namedTargets } from '../../../src/nix/recipe-layers.ts';

const derivation = (name: string) => ({
  $type: 'derivation',
  name,
  system: 'x86_64-linux',
  drv: `/nix/store/${'0'.repeat(32)}-${name}.drv`,
  output: 'out',
  out: `/nix/store/${'1'.repeat(32)}-${name}`,
});

const minimal = {
  name: 'comfyui',
  tag: 'cu130',
  layers: [{ name: 'layer0-base', target: derivation('base') }],
};

const full = {
  ...minimal,
  layers: [
    ...minimal.layers,
    { name: 'layer2-wheels', target: derivation('wheels'), image: false },
  ],
  root: [derivation('root')],
  directories: [
    { path: '/tmp', mode: '1777' },
    { path: '/home/user', uid: 1000, gid: 100 },
  ],
  created: '2026-11-22T10:00:00+01:00',
};

const config = {
  User: '1000:100',
  ExposedPorts: { '8188/tcp': {}, '80': {} },
  Env: ['PATH=/bin', 'EMPTY=', 'LINES=a\nb'],
  Entrypoint: ['/bin/run'],
  Cmd: [],
  Volumes: { '/data': {} },
  WorkingDir: '/app',
  Labels: { 'org.opencontainers.image.title': 'x' },
  StopSignal: 'SIGTERM',
};

test('a minimal recipe gets the defaults', () => {
  assert.deepEqual(readRecipe(minimal, {}), {
    name: 'comfyui',
    tag: 'cu130',
    layers: [
      {
        name: 'layer0-base',
        drvPath: `/nix/store/${'0'.repeat(32)}-base.drv`,
        outputName: 'out',
        outPath: `/nix/store/${'1'.repeat(32)}-base`,
        image: true,
      },
    ],
    root: [],
    folders: [],
    directories: [],
    config: {},
    created: '1970-01-01T00:00:01Z',
  });
});

test('a full recipe is read as it is', () => {
  const recipe = readRecipe(full, config);
  assert.deepEqual(recipe.config, config);
  assert.equal(recipe.layers[1]?.image, false);
  assert.deepEqual(recipe.directories, [
    { path: '/tmp', mode: '1777', uid: 0, gid: 0 },
    { path: '/home/user', mode: '0755', uid: 1000, gid: 100 },
  ]);
  assert.equal(recipe.created, full.created);
  assert.equal(readRecipe({ ...minimal, created: 'now' }, {}).created, 'now');
});

test('null stands for a field that is not there', () => {
  const recipe = readRecipe({ ...minimal, root: null, created: null }, { Cmd: null });
  assert.deepEqual(recipe.config, {});
  assert.deepEqual(recipe.root, []);
});

const [layer] = minimal.layers;
const wrong: [string, unknown, unknown, string][] = [
  ['no recipe', 'text', {}, 'recipe: expected a set, found a string ("text")'],
  ['a function', { $type: 'lambda' }, {}, 'recipe: expected a set, found a function'],
  [
    'no name',
    { ...minimal, name: undefined },
    {},
    'recipe.name: expected a name of letters, digits, ".", "_" and "-", at most 128, found nothing',
  ],
  [
    'a tag with a colon',
    { ...minimal, tag: 'a:b' },
    {},
    'recipe.tag: expected an image tag, found a string ("a:b")',
  ],
  [
    'layers as a set',
    { ...minimal, layers: {} },
    {},
    'recipe.layers: expected a list, found a set',
  ],
  [
    'no layers',
    { ...minimal, layers: [] },
    {},
    'recipe.layers: expected at least one layer, found an empty list',
  ],
  [
    'a target that is text',
    { ...minimal, layers: [layer, { name: 'b', target: 'x' }] },
    {},
    'recipe.layers[1].target: expected a derivation, found a string ("x")',
  ],
  [
    'no target',
    { ...minimal, layers: [{ name: 'b' }] },
    {},
    'recipe.layers[0].target: expected a derivation, found nothing',
  ],
  [
    'a target beside targets',
    { ...minimal, layers: [{ ...layer, targets: [] }] },
    {},
    'recipe.layers[0] has a target and targets',
  ],
  [
    'targets that are no list',
    { ...minimal, layers: [{ name: 'b', targets: derivation('x') }] },
    {},
    'recipe.layers[0].targets: expected a list, found a derivation',
  ],
  [
    'one of several targets that is a path',
    { ...minimal, layers: [{ name: 'b', targets: [derivation('x'), { $type: 'path' }] }] },
    {},
    'recipe.layers[0].targets[1]: expected a derivation, found a path',
  ],
  [
    'more targets than anybody writes',
    { ...minimal, layers: [{ name: 'b', targets: Array(1001).fill(derivation('x')) }] },
    {},
    'recipe.layers[0].targets: a list of 1001, and at most 1000 are read',
  ],
  [
    'image as text',
    { ...minimal, layers: [{ ...layer, image: 'no' }] },
    {},
    'recipe.layers[0].image: expected true or false, found a string ("no")',
  ],
  [
    'the same name twice',
    { ...minimal, layers: [layer, layer] },
    {},
    'recipe.layers[1].name: "layer0-base" is also the name of recipe.layers[0]',
  ],
  [
    'a root that is a path',
    { ...minimal, root: [{ $type: 'path' }] },
    {},
    'recipe.root[0]: expected a derivation, found a path',
  ],
  [
    'a relative folder',
    { ...minimal, directories: [{ path: 'tmp' }] },
    {},
    'recipe.directories[0].path: expected an absolute path such as "/tmp", found a string ("tmp")',
  ],
  [
    'a folder with ..',
    { ...minimal, directories: [{ path: '/a/../b' }] },
    {},
    'recipe.directories[0].path: expected an absolute path such as "/tmp", found a string ("/a/../b")',
  ],
  [
    'a mode as number',
    { ...minimal, directories: [{ path: '/a', mode: 755 }] },
    {},
    'recipe.directories[0].mode: expected octal digits such as "1777", found the number 755',
  ],
  [
    'a mode not octal',
    { ...minimal, directories: [{ path: '/a', mode: '0788' }] },
    {},
    'recipe.directories[0].mode: expected octal digits such as "1777", found a string ("0788")',
  ],
  [
    'a uid as text',
    { ...minimal, directories: [{ path: '/a', uid: '0' }] },
    {},
    'recipe.directories[0].uid: expected an integer that is not negative, found a string ("0")',
  ],
  [
    'a date of its own kind',
    { ...minimal, created: 'yesterday' },
    {},
    'recipe.created: expected a time as in RFC 3339 ("1970-01-01T00:00:01Z"), or "now", found a string ("yesterday")',
  ],
  [
    'a 13th month',
    { ...minimal, created: '2026-13-01T00:00:00Z' },
    {},
    'recipe.created: expected a time as in RFC 3339 ("1970-01-01T00:00:01Z"), or "now", found a string ("2026-13-01T00:00:00Z")',
  ],
  ...(
    [
      ['/', 'an absolute path such as "/tmp"'],
      ['/a/.wh.b', 'a path without names that begin with ".wh.", which delete others'],
      ['/nix/store/x', 'a path outside of the Nix store'],
      [`/${'ä'.repeat(128)}`, 'a path of names that have at most 255 bytes'],
    ] as const
  ).map(([path, expected]): [string, unknown, unknown, string] => [
    `the folder ${path.slice(0, 12)}`,
    { ...minimal, directories: [{ path }] },
    {},
    `recipe.directories[0].path: expected ${expected}, found a string${path.length > 80 ? '' : ` ("${path}")`}`,
  ]),
  [
    'a folder twice',
    { ...minimal, directories: [{ path: '/a' }, { path: '/b' }, { path: '/a' }] },
    {},
    'recipe.directories[2].path: "/a" is also the path of recipe.directories[0]',
  ],
  [
    'a uid that no system has',
    { ...minimal, directories: [{ path: '/a', uid: 2 ** 32 - 1 }] },
    {},
    'recipe.directories[0].uid: expected the number of a user or group, at most 4294967294, found the number 4294967295',
  ],
  [
    'a user that no system has',
    minimal,
    { User: '1000:99999999999' },
    'recipe.config.User: expected a user or group, whose number is at most 4294967294, found a string ("1000:99999999999")',
  ],
  [
    'more layers than engines take',
    {
      ...minimal,
      layers: Array.from({ length: 126 }, (_, at) => ({
        ...layer,
        name: `layer${at}`,
        image: at > 0,
      })),
    },
    {},
    'recipe.layers: 125 layers are more than container engines take: at most 124, and the root layer.',
  ],
  [
    'a time that is text in a health check',
    minimal,
    { Healthcheck: { Test: ['CMD', 'x'], Interval: '30s' } },
    'recipe.config.Healthcheck.Interval: expected an integer that is not negative, found a string ("30s")',
  ],
  [
    'a limit below none',
    minimal,
    { MemorySwap: -2 },
    'recipe.config.MemorySwap: expected an integer from -1 on, found the number -2',
  ],
  ['config as list', minimal, [], 'recipe.config: expected a set, found an empty list'],
  [
    'Env without =',
    minimal,
    { Env: ['A=1', 'B'] },
    'recipe.config.Env[1]: expected a variable such as "NAME=value", found a string ("B")',
  ],
  ['Env as set', minimal, { Env: { A: '1' } }, 'recipe.config.Env: expected a list, found a set'],
  [
    'Cmd as text',
    minimal,
    { Cmd: 'run' },
    'recipe.config.Cmd: expected a list, found a string ("run")',
  ],
  [
    'User as number',
    minimal,
    { User: 1000 },
    'recipe.config.User: expected a string, found the number 1000',
  ],
  [
    'ports as list',
    minimal,
    { ExposedPorts: ['80'] },
    'recipe.config.ExposedPorts: expected a set, found a list',
  ],
  [
    'a port that is none',
    minimal,
    { ExposedPorts: { http: {} } },
    'recipe.config.ExposedPorts: expected names that are ports, found a string ("http")',
  ],
  [
    'a port with content',
    minimal,
    { ExposedPorts: { '80/tcp': { a: 1 } } },
    'recipe.config.ExposedPorts."80/tcp": expected an empty set, found a set',
  ],
  [
    'a label as number',
    minimal,
    { Labels: { n: 1 } },
    'recipe.config.Labels.n: expected a string, found the number 1',
  ],
];

const out = `/nix/store/${'1'.repeat(32)}-wheel`;
const source = (text: string, context: object = { [out]: { path: true } }) => {
  return { $type: 'text', text, context };
};

test('targets may be several, or none, which is no layer of the image', () => {
  const none = Array.from({ length: 200 }, (_, at) => ({ name: `none${at}`, targets: [] }));
  const several = { name: 'wheels', targets: [derivation('a'), derivation('b')] };
  const { layers } = readRecipe({ ...minimal, layers: [several, ...none] }, {});
  assert.deepEqual(
    namedTargets(layers).map(({ name, outPath }) => `${name} ${outPath.slice(44)}`),
    ['wheels a', 'wheels b'],
  );
  assert.deepEqual(layers.filter(isShipped), layers.slice(0, 1));
});

test('folders are read with what their sources refer to', () => {
  const outputs = { '/nix/store/x.drv': { outputs: ['lib'] } };
  const folders = [{ at: '/opt/python', from: [source(out), source('/any/lib', outputs)] }];
  const [folder] = readRecipe(minimal, {}, folders).folders;
  assert.equal(folder?.at, '/opt/python');
  assert.deepEqual(
    folder?.from.map(({ path, outputName, found }) => [path, outputName, found.at]),
    [
      [out, undefined, 'recipe.folders[0].from[0]'],
      ['/nix/store/x.drv', 'lib', 'recipe.folders[0].from[1]'],
    ],
  );
});

const from = [source(out)];
const noSource =
  'expected a derivation, a source, or text that begins with one and names a folder in it, found';
const wrongFolders: [unknown, string][] = [
  [{}, 'recipe.folders: expected a list, found a set'],
  [[{ from }], 'recipe.folders[0].at: expected an absolute path such as "/tmp", found nothing'],
  [[{ at: '/a' }], 'recipe.folders[0].from: expected a list, found nothing'],
  [
    [{ at: '/a', from: [] }],
    'recipe.folders[0].from: expected at least one folder in the store, found an empty list',
  ],
  [
    [{ at: '/', from }],
    'recipe.folders[0].at: expected an absolute path such as "/tmp", found a string ("/")',
  ],
  [
    [{ at: '/a/../b', from }],
    'recipe.folders[0].at: expected an absolute path such as "/tmp", found a string ("/a/../b")',
  ],
  [
    [{ at: '/nix/var', from }],
    'recipe.folders[0].at: expected a path outside of /nix, found a string ("/nix/var")',
  ],
  [
    [
      { at: '/a', from },
      { at: '/a', from },
    ],
    'recipe.folders[1].at: "/a" is also the at of recipe.folders[0]',
  ],
  [
    [{ at: '/a', from: [source('text', {})] }],
    `recipe.folders[0].from[0]: ${noSource} a string ("text")`,
  ],
  [
    [{ at: '/a', from: [source(out, { a: { path: true }, b: { path: true } })] }],
    `recipe.folders[0].from[0]: ${noSource} a string ("${out}")`,
  ],
  [[{ at: '/a', from: ['text'] }], `recipe.folders[0].from[0]: ${noSource} a string ("text")`],
  [
    [{ at: '/a', from: [{ $type: 'lambda' }] }],
    `recipe.folders[0].from[0]: ${noSource} a function`,
  ],
  [[{ at: '/a', from, mode: '1' }], 'recipe.folders[0]: there is no field "mode"'],
];

for (const [folders, message] of wrongFolders) {
  test(`the wrong folder is named: ${message}`, () => {
    assert.throws(
      () => readRecipe(minimal, {}, folders),
      error => error instanceof Failure && error.message === message,
    );
  });
}

for (const [what, recipe, itsConfig, message] of wrong) {
  test(`the wrong shape is named: ${what}`, () => {
    assert.throws(
      () => readRecipe(recipe, itsConfig),
      error => {
        assert.ok(error instanceof Failure);
        assert.equal(error.message, message);
        return true;
      },
    );
  });
}

test('fields that Docker knows beside those of OCI are taken, into the image too', () => {
  const docker = {
    Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 30_000_000_000, Retries: 3 },
    Shell: ['/bin/sh', '-c'],
    OnBuild: ['RUN x'],
    ArgsEscaped: true,
    Memory: 0,
    MemorySwap: -1,
    CpuShares: 512,
    StopTimeout: 10,
    Hostname: 'h',
    Tty: true,
  };
  const read = readRecipe(minimal, { ...config, ...docker });
  assert.deepEqual(read.config, { ...config, ...docker });
  const parts = { labels: {}, created: '', architecture: 'amd64', layers: [] };
  const image = JSON.parse(imageConfig({ ...parts, config: read.config }).toString());
  assert.deepEqual(image.config, { ...config, ...docker });
});

test('an unknown name proposes the nearest known one', () => {
  const proposal = (recipe: unknown, itsConfig: unknown) => {
    try {
      readRecipe(recipe, itsConfig);
    } catch (error) {
      assert.ok(error instanceof Failure);
      return `${error.message}; ${error.details.next?.split('?')[0]}`;
    }
    return undefined;
  };
  assert.equal(
    proposal(minimal, { entrypoint: [] }),
    'recipe.config: there is no field "entrypoint"; Did you mean "Entrypoint"',
  );
  assert.equal(
    proposal(minimal, { Healthcheck: { Intervall: 1 } }),
    'recipe.config.Healthcheck: there is no field "Intervall"; Did you mean "Interval"',
  );
  assert.equal(
    proposal({ ...minimal, direcories: [] }, {}),
    'recipe: there is no field "direcories"; Did you mean "directories"',
  );
  assert.equal(
    proposal({ ...minimal, layers: [{ ...layer, img: false }] }, {}),
    'recipe.layers[0]: there is no field "img"; Did you mean "image"',
  );
});
