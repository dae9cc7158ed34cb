import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImagePlan, PlanRecord } from '../../../src/record/types.ts';
import { planMarkdown, planText } from '../../../src/report/plan.ts';

const bytes = (count: number) => ({ bytes: count, estimated: false, atLeast: false });
const image = (tag: string, more: Partial<ImagePlan> = {}): ImagePlan => ({
  flake: `.#comfyui-${tag}`,
  repository: 'ghcr.io/o/comfyui',
  tags: [tag],
  layers: [{ name: `layer6-${tag}`, state: 'build', derivations: [] }],
  forecast: {
    ...{ layers: 8, layersToMake: 1, builds: 3, fetchBytes: 180e6, unknownTimes: 0 },
    send: bytes(35e6),
  },
  ...more,
});
const nothing = { layers: 8, layersToMake: 0, builds: 0, fetchBytes: 0, unknownTimes: 0 };
const plan = (...images: ImagePlan[]): PlanRecord => ({
  ...{ version: 1, program: 'p', nix: '2.8', seconds: 1, leftOut: [], images },
});

const variants = plan(
  image('cu128', { upToDate: true, forecast: { ...nothing, send: bytes(0) } }),
  image('cu130', { upToDate: false }),
  image('cu13`2', { forecast: { layers: 8, layersToMake: 8, unknownTimes: 0, send: bytes(1) } }),
);

test('several images have a row each, and those with something to do are told of in detail', () => {
  const text = planText(variants);
  assert.equal(
    text.split('\n\n')[0],
    [
      'image             what        layers to make  to build  to fetch  to send',
      '.#comfyui-cu128   up to date          0 of 8         0       0 B      0 B',
      '.#comfyui-cu130   to do               1 of 8         3    180 MB  35.0 MB',
      '.#comfyui-cu13`2  not known           8 of 8         ?         ?      1 B',
    ].join('\n'),
  );
  assert.doesNotMatch(text, /layer6-cu128/);
  assert.match(text, /layer6-cu130[\s\S]*layer6-cu13`2/);
});

test('in Markdown as well, with what a flake says as text', () => {
  const markdown = planMarkdown(variants);
  assert.match(markdown, /^\| image \| what \| .*\n\|:--\|:--\|--:\|--:\|--:\|--:\|\n/);
  assert.match(markdown, /\n\| `\.#comfyui-cu128` \| up to date \| 0 of 8 \| 0 \| 0 B \| 0 B \|\n/);
  assert.match(markdown, /\n\| `\.#comfyui-cu13'2` \| not known \|/);
  assert.doesNotMatch(markdown, /layer6-cu128/);
});

test('one image alone has no row', () => {
  assert.doesNotMatch(planText(plan(image('cu130'))), /layers to make {2}/);
});
