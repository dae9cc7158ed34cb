import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Forecast, PlanRecord } from '../../../src/record/types.ts';
import { forecastSentence, foreseenSentence } from '../../../src/report/forecast.ts';
import { planMarkdown, planText } from '../../../src/report/plan.ts';
import { runText } from '../../../src/report/run-text.ts';
import { summaryMarkdown } from '../../../src/report/summary.ts';
import { whyLines } from '../../../src/report/why.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const bytes = (count: number, more = {}) => ({
  ...{ bytes: count, estimated: false, atLeast: false },
  ...more,
});
const forecast: Forecast = {
  ...{ layers: 8, layersToMake: 3, builds: 41, fetchBytes: 180e6, unknownTimes: 0, seconds: 360 },
  ...{ send: bytes(35e6), pull: bytes(35e6), diskBytes: 2e9 },
};

describe('what a run will do is one sentence', () => {
  const cases: [string, Partial<Forecast>, string][] = [
    [
      'with all of it',
      {},
      '3 of 8 layers to make: 41 derivations, about 6 min, 180 MB to fetch, 35.0 MB to send.',
    ],
    [
      'where nothing is to be made',
      { layersToMake: 0 },
      'Nothing to make: the registry has all 8 layers.',
    ],
    [
      'where nothing is built',
      { builds: 0, seconds: 2, send: bytes(35e6, { estimated: true }) },
      '3 of 8 layers to make: 180 MB to fetch, about 35.0 MB to send.',
    ],
    [
      'where times are not known',
      { unknownTimes: 12, fetchBytes: 0, send: bytes(5, { atLeast: true }) },
      '3 of 8 layers to make: 41 derivations (12 of unknown time), about 6 min, at least 5 B to send.',
    ],
    [
      'where nothing is known',
      { unknownTimes: 41, seconds: 0, fetchBytes: 0, send: bytes(0, { atLeast: true }) },
      '3 of 8 layers to make: 41 derivations of unknown time, nobody knows how much to send.',
    ],
  ];
  for (const [name, change, sentence] of cases) {
    test(name, () => assert.equal(forecastSentence({ ...forecast, ...change }), sentence));
  }
});

test('what was foreseen is told beside what it was', () => {
  const span = { kind: 'build', detail: '/nix/store/x.drv', start: 1, seconds: 7 } as const;
  const record = sampleRecord({
    ...{ predicted: forecast, spans: [span], downloadBytes: 182e6, sentBytes: 36e6 },
  });
  assert.equal(
    foreseenSentence(record),
    'Foreseen, and in brackets what it was: 41 derivations (1), about 6 min (7 s), ' +
      '180 MB to fetch (182 MB), 35.0 MB to send (36.0 MB).',
  );
  assert.equal(foreseenSentence(sampleRecord()), undefined);
});

describe('causes are told', () => {
  const cause = (text: string, layers: string[], rebuilds = 1) => ({ text, layers, rebuilds });
  test('by layers, and counted', () => {
    const why = {
      causes: [cause('nixpkgs a → b', ['a', 'b', 'c', 'd']), cause('`x` changed', ['d'])],
      ...{ more: 1, rebuilds: 200 },
    };
    assert.deepEqual(whyLines(why, 4), [
      ...['all layers: nixpkgs a → b', 'd: `x` changed', '3 causes, 200 rebuilds'],
    ]);
    assert.equal(whyLines(why, 5)[0], 'a, b, c and 1 more: nixpkgs a → b');
  });
  test('of a run that is over, beside what was foreseen', () => {
    const target = { target: '/nix/store/x.drv', origin: 'built' } as const;
    const record = sampleRecord({
      layers: [
        ...[sampleLayer({ name: 'a', ...target }), sampleLayer({ name: 'b', ...target })],
        ...[sampleLayer({ name: 'root', target: null })],
      ],
      why: { causes: [cause('nixpkgs a → b', ['a', 'b'])], more: 0, rebuilds: 2 },
      predicted: forecast,
    });
    const lines = /^all layers: nixpkgs a → b\n1 cause, 2 rebuilds\n\nForeseen, and in brackets/m;
    assert.match(runText(record), lines);
    assert.match(summaryMarkdown(record), /^- all layers: nixpkgs a → b$/m);
    assert.match(summaryMarkdown(record), /^Foreseen, and in brackets/m);
  });
  test('not where there are none', () => {
    assert.deepEqual(whyLines({ causes: [], more: 0, rebuilds: 0 }, 3), []);
  });
});

const plan: PlanRecord = {
  ...{ version: 1, program: 'comfy-nix 1.0.0', nix: '2.34.8', seconds: 1 },
  leftOut: [{ cache: 'https://dead.example', reason: 'it answers 500' }],
  images: [
    {
      ...{ flake: '.#comfyui', repository: 'ghcr.io/o/n', tags: ['x'], upToDate: false, forecast },
      layers: [
        { name: 'base', state: 'registry', derivations: [] },
        {
          ...{ name: 'deps', state: 'cache', cache: 'https://cache.example', fetchBytes: 5e6 },
          ...{ send: bytes(7e6, { estimated: true }), derivations: [] },
        },
        {
          ...{ name: 'app|', state: 'build', send: bytes(0, { atLeast: true }) },
          derivations: [
            { name: 'app', derivation: '/nix/store/app.drv' },
            { name: 'torch-2', derivation: '/nix/store/torch.drv', seconds: 90 },
          ],
        },
      ],
      why: {
        causes: [{ text: '`x` changed', layers: ['app|'], rebuilds: 2 }],
        more: 0,
        rebuilds: 2,
      },
    },
  ],
};

test('a plan for a terminal', () => {
  assert.equal(
    planText(plan),
    `.#comfyui for ghcr.io/o/n:x
3 of 8 layers to make: 41 derivations, about 6 min, 180 MB to fetch, 35.0 MB to send.
It takes 35.0 MB to pull for a host that has the present tag, 2.00 GB of disk.

layer  where                     to fetch                to send                   to build
base   in the registry                  -                      -                          -
deps   in https://cache.example   5.00 MB          about 7.00 MB                          -
app|   to build                         -  nobody knows how much  torch-2 (1 min 30 s), app

app|: \`x\` changed
1 cause, 2 rebuilds

Left out: https://dead.example, it answers 500.
`,
  );
});

test('a plan as Markdown escapes what is of others', () => {
  const markdown = planMarkdown(plan);
  assert.match(markdown, /\| `app\\\|` \| to build \|/);
  assert.match(markdown, /^- app\\\|: \\`x\\` changed$/m);
});

test('what the registry holds may be unknown, and nothing is up to date then', () => {
  const [image] = plan.images;
  const { upToDate: _, ...unread } = image ?? assert.fail();
  const text = planText({ ...plan, images: [{ ...unread, unknown: 'It answers 500.' }] });
  assert.match(text, /^\.#comfyui for ghcr.io\/o\/n:x\nIt answers 500\.\n3 of 8 layers to make/);
});
