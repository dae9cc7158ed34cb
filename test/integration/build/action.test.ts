import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PlanRecord } from '../../../src/record/types.ts';
import { startRegistry } from '../../tools/registry.ts';
import { type PhaseOptions, type Runner, startRunner } from '../../tools/runner.ts';
import { withoutMasks } from '../../tools/workflow-commands.ts';
import { copyExample, type Example } from './hermetic-example.ts';

const phase = (name: string) => fileURLToPath(new URL(`../../../dist/${name}.js`, import.meta.url));

async function job(context: TestContext) {
  const registry = await startRegistry({ auth: 'htpasswd', username: 'user', password: 'hunter2' });
  context.after(() => registry.stop());
  const runner = await startRunner();
  context.after(() => runner.dispose());
  return { registry, runner, example: await copyExample(context) };
}

function inputs({ folder, busybox }: Example, image: string): Record<string, string> {
  return {
    flake: `path:${folder}#comfyui`,
    'override-inputs': `busybox=path:${busybox}`,
    image,
    'registry-username': 'user',
    'registry-password': 'hunter2',
    record: 'record.json',
  };
}

async function bothPhases(runner: Runner, options: PhaseOptions) {
  const main = await runner.run(phase('main'), options);
  const post = await runner.run(phase('post'), { ...options, state: main.state });
  return { main, post };
}

test('a workflow that pushes: outputs, groups, summary, and no secret in sight', async context => {
  const { registry, runner, example } = await job(context);
  const image = `${registry.address}/Comfy/Demo`;
  const options = {
    inputs: { ...inputs(example, image), tags: 'cu130\nlatest' },
    token: 'ghs_job',
  };
  const { main, post } = await bothPhases(runner, options);
  assert.equal(main.code, 0, main.log);
  assert.deepEqual([post.code, withoutMasks(post.log)], [0, '']);

  const repository = image.toLowerCase();
  assert.equal(main.outputs.name, repository);
  assert.match(String(main.outputs.digest), /^sha256:[0-9a-f]{64}$/);
  assert.equal(main.outputs.ref, `${repository}@${main.outputs.digest}`);
  assert.equal(main.outputs.tags, 'cu130\nlatest');
  const metadata = JSON.parse(String(main.outputs.metadata)) as Record<string, unknown>;
  assert.equal(metadata['containerimage.digest'], main.outputs.digest);
  assert.equal(metadata['containerimage.config.digest'], main.outputs.imageid);
  assert.equal(metadata['image.name'], `${repository}:cu130,${repository}:latest`);
  assert.ok(Number(main.outputs.size) > 100_000);
  assert.equal(main.outputs.reused, 'false');
  const layers = JSON.parse(String(main.outputs.layers)) as { name: string; origin: string }[];
  assert.deepEqual(
    layers.slice(0, 2).map(({ name, origin }) => [name, origin]),
    [
      ['layer0-base', 'built'],
      ['layer1-python', 'built'],
    ],
  );
  assert.ok((JSON.parse(String(main.outputs.timings)) as { total: number }).total > 0);
  const record = await readFile(join(runner.workspace, 'record.json'), 'utf8');
  assert.equal((JSON.parse(record) as { outcome: string }).outcome, 'success');

  assert.match(main.log, /^::group::layer4-deps/m);
  assert.match(main.summary, /\| `layer4-deps` \| built \|/);
  assert.match(main.summary, /Docker 23/);
  assert.ok(main.log.startsWith('::add-mask::'), 'masks come before everything else');
  const visible = [withoutMasks(main.log), main.summary, record, JSON.stringify(main.state)];
  for (const text of visible) assert.doesNotMatch(text, /hunter2|ghs_job/);
});

test('a workflow that plans: outputs and summary, nothing in the registry, and a job that goes on', async context => {
  const { registry, runner, example } = await job(context);
  const { flake = '', ...others } = inputs(example, `${registry.address}/comfy/demo`);
  const flakes = `${flake}\npath:${example.folder}#layer1-python`;
  // what no other test has built
  await writeFile(join(example.folder, 'deps.txt'), 'einops==0.9.0\n');
  const { main, post } = await bothPhases(runner, {
    inputs: { ...others, command: 'plan', flakes, tags: 'x' },
  });
  assert.equal(main.code, 0, main.log);
  assert.deepEqual([post.code, withoutMasks(post.log)], [0, '']);
  const plan = JSON.parse(String(main.outputs.plan)) as PlanRecord;
  assert.deepEqual(
    plan.images.map(({ forecast }) => forecast.layersToMake),
    [6, 1],
  );
  assert.equal(main.outputs['up-to-date'], 'false');
  assert.match(main.summary, /\| `layer4-deps` \| to build \|/);
  const catalog = await fetch(`http://${registry.address}/v2/_catalog`, {
    headers: { authorization: `Basic ${Buffer.from('user:hunter2').toString('base64')}` },
  });
  assert.deepEqual(await catalog.json(), { repositories: [] });
  for (const text of [withoutMasks(main.log), main.summary]) assert.doesNotMatch(text, /hunter2/);

  const strict = { ...others, flake, command: 'plan', 'exit-code': 'true' };
  assert.equal((await runner.run(phase('main'), { inputs: strict })).code, 3);
});

test('a pull request builds, reports and pushes nothing', async context => {
  const { registry, runner, example } = await job(context);
  const options = {
    inputs: inputs(example, `${registry.address}/comfy/demo`),
    event: {
      name: 'pull_request_target',
      payload: { pull_request: { head: { repo: { full_name: 'somebody/comfy' } } } },
    },
  };
  const { main } = await bothPhases(runner, options);
  assert.equal(main.code, 0, main.log);
  assert.equal(main.outputs.digest, undefined);
  assert.match(main.summary, /somebody\/comfy/);
  assert.match(main.summary, /\| `layer6-app` \| (built|local) \|/);
  const catalog = await fetch(`http://${registry.address}/v2/_catalog`, {
    headers: { authorization: `Basic ${Buffer.from('user:hunter2').toString('base64')}` },
  });
  assert.deepEqual(await catalog.json(), { repositories: [] });
});

test('a failure is an annotation, a summary and exit code 1', async context => {
  const { registry, runner, example } = await job(context);
  const wrong = {
    ...inputs(example, `${registry.address}/comfy/demo`),
    flake: `path:${example.folder}#no`,
  };
  const { main, post } = await bothPhases(runner, { inputs: wrong });
  assert.equal(main.code, 1);
  assert.match(main.log, /^::error::.*no/m);
  assert.match(main.summary, /failed/);
  assert.equal(post.code, 0);
});
