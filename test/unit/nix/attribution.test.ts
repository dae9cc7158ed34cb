import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute } from '../../../src/nix/attribution.ts';
import type { DerivationNode } from '../../../src/nix/derivation.ts';

const node = (name: string, ...inputs: string[]): [string, DerivationNode] => [
  `${name}.drv`,
  {
    outputs: new Map([
      ['out', name],
      ['dev', `${name}-dev`],
    ]),
    inputDrvs: new Map(inputs.map(input => [`${input}.drv`, ['out']])),
    inputSrcs: [],
    system: 'x86_64-linux',
  },
];

test('work belongs to the first layer that needs it', () => {
  const graph = new Map([
    node('base', 'libc'),
    node('libc', 'stage0'),
    node('stage0'),
    node('torch', 'base', 'cuda'),
    node('cuda', 'libc'),
    node('app', 'torch', 'cuda', 'tool'),
    node('tool'),
    node('unused'),
  ]);
  const { layerOf } = attribute(graph, [
    { name: 'layer0', drvPath: 'base.drv' },
    { name: 'layer3', drvPath: 'torch.drv' },
    { name: 'layer6', drvPath: 'app.drv' },
  ]);
  const layers = [...graph.keys()].map(drvPath => [drvPath, layerOf(drvPath)]);
  assert.deepEqual(Object.fromEntries(layers), {
    'base.drv': 'layer0',
    'libc.drv': 'layer0',
    'stage0.drv': 'layer0',
    'torch.drv': 'layer3',
    'cuda.drv': 'layer3',
    'app.drv': 'layer6',
    'tool.drv': 'layer6',
    'unused.drv': undefined,
  });
  assert.equal(layerOf('cuda-dev'), 'layer3');
  assert.equal(layerOf('stage0'), 'layer0');
});

test('the order of the layers decides, not that of the graph', () => {
  const graph = new Map([node('a'), node('b', 'a')]);
  const { layerOf } = attribute(graph, [
    { name: 'second', drvPath: 'b.drv' },
    { name: 'first', drvPath: 'a.drv' },
  ]);
  assert.equal(layerOf('a.drv'), 'second');
});

test('an output whose path is not known belongs to nothing', () => {
  const graph = new Map([
    ['a.drv', { ...node('a')[1], outputs: new Map([['out', '']]) }] satisfies [
      string,
      DerivationNode,
    ],
  ]);
  assert.equal(attribute(graph, [{ name: 'layer', drvPath: 'a.drv' }]).layerOf(''), undefined);
});
