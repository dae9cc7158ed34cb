import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { matrixOf, type PlannedVariant } from '../../../src/commands/plan/matrix.ts';
import { runWorkflow } from '../../tools/workflow-run.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const example = (name: string) => readFileSync(`${root}examples/workflows/${name}.yml`, 'utf8');

/** A runner of one's own for the second. */
const variant = (at: number): PlannedVariant => ({
  flake: `.#comfyui-cu${at}`,
  image: 'ghcr.io/o/comfyui',
  repository: 'ghcr.io/o/comfyui',
  tags: [`cu${at}`, `main-cu${at}`],
  variant: `cu${at}`,
  fields: at === 1 ? { runner: 'large', cuda: '13.0' } : { cuda: '12.8' },
  upToDate: false,
});

const contexts = {
  github: { repository: 'o/comfyui', ref: 'refs/heads/main', ref_name: 'main', event_name: 'push' },
  vars: {},
  secrets: {},
};

interface Case {
  /** Variants that are not up to date. */
  changed: number;
  /** One more cannot be told of. */
  broken?: boolean;
  /** How the plan ends, where it is not by what it has found. */
  plan?: 'failure' | 'cancelled';
  /** How the build of a variant ends. */
  ends?: Record<string, 'failure' | 'cancelled'>;
}

/** Runs one of the workflows with a plan whose outputs are those of this program. */
function run(name: string, { changed, broken = false, plan, ends = {} }: Case) {
  const { include } = matrixOf(
    Array.from({ length: changed }, (_, at) => variant(at)),
    false,
  );
  const outputs = {
    matrix: JSON.stringify({ include }),
    any: String(include.length > 0),
    count: String(include.length),
  };
  return runWorkflow(example(name), {
    contexts,
    act: call => {
      if (!call.uses.startsWith('org/comfy-nix-action@')) return {};
      if (call.with.command !== 'plan') {
        const { [String(call.matrix.variant)]: conclusion = 'success' } = ends;
        return { conclusion };
      }
      if (plan !== undefined) return { conclusion: plan };
      return { outputs, conclusion: broken ? 'failure' : 'success' };
    },
  });
}

const results = async (...given: Parameters<typeof run>) =>
  Object.entries(await run(...given)).map(([id, { result }]) => `${id} ${result}`);

for (const name of ['variants', 'docker-actions']) {
  describe(`${name}.yml`, () => {
    test('without anything to do the required job is a success, and no other is begun', async () => {
      const { plan, build, images } = await run(name, { changed: 0 });
      assert.deepEqual(
        [plan?.result, build?.result, build?.runs.length],
        ['success', 'skipped', 0],
      );
      assert.equal(images?.result, 'success');
    });

    for (const changed of [1, 12]) {
      test(`${changed}: each has a job that builds it`, async () => {
        const { build, images } = await run(name, { changed });
        assert.equal(build?.runs.length, changed);
        for (const [at, each] of build.runs.entries()) {
          assert.equal(each.name, `cu${at}`);
          const { flake, image, tags } = each.calls.at(-1)?.with ?? {};
          assert.deepEqual(
            { flake, image, tags },
            {
              flake: `.#comfyui-cu${at}`,
              image: 'ghcr.io/o/comfyui',
              tags: `cu${at}\nmain-cu${at}`,
            },
          );
        }
        assert.deepEqual([build.result, images?.result], ['success', 'success']);
      });
    }

    test('a broken one hides no other, and no success is said of all', async () => {
      for (const changed of [0, 1, 12]) {
        const { plan, build, images } = await run(name, { changed, broken: true });
        assert.deepEqual([plan?.result, images?.result], ['failure', 'failure']);
        assert.equal(build?.result, changed === 0 ? 'skipped' : 'success');
        assert.equal(build?.runs.length, changed);
      }
    });

    test('a build that fails, or is cancelled, is no success', async () => {
      for (const end of ['failure', 'cancelled'] as const) {
        const found = await results(name, { changed: 12, ends: { cu7: end } });
        assert.deepEqual(found, ['plan success', `build ${end}`, 'images failure']);
      }
    });

    test('neither is a plan that fails, or is cancelled', async () => {
      assert.deepEqual(await results(name, { changed: 1, plan: 'failure' }), [
        ...['plan failure', 'build skipped', 'images failure'],
      ]);
      assert.deepEqual(await results(name, { changed: 1, plan: 'cancelled' }), [
        ...['plan cancelled', 'build cancelled', 'images failure'],
      ]);
    });

    test('nor outputs that GitHub has held back, since there is a secret in them', async () => {
      const ended = await runWorkflow(example(name), { contexts, act: () => ({}) });
      assert.deepEqual([ended.build?.result, ended.images?.result], ['skipped', 'failure']);
    });
  });
}

test('the field `runner` of a row says where its job runs', async () => {
  const { build } = await run('variants', { changed: 3 });
  assert.deepEqual(
    build?.runs.map(each => each.runsOn),
    ['ubuntu-latest', 'large', 'ubuntu-latest'],
  );
});

test('the stand-in makes jobs of vectors, and none of an empty or too long matrix', async () => {
  const jobs = async (matrix: string) => {
    const content = `on: push\njobs:\n  a:\n    runs-on: x\n    strategy: { matrix: ${matrix} }\n    steps: [{ run: "true" }]\n`;
    const { a } = await runWorkflow(content, { contexts, act: () => ({}) });
    return [a?.result, a?.runs.length];
  };
  assert.deepEqual(await jobs('{ os: [a, b], node: [1, 2, 3] }'), ['success', 6]);
  assert.deepEqual(await jobs('{ include: [] }'), ['failure', 0]);
  assert.deepEqual(await jobs(`{ n: [${Array.from({ length: 257 }, (_, at) => at)}] }`), [
    ...['failure', 0],
  ]);
});

test('every example runs to its end, and README names it', async () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const files = globSync('examples/workflows/*.yml', { cwd: root });
  assert.equal(files.length, 7);
  for (const file of files) {
    assert.ok(readme.includes(`](${file})`), file);
    const outputs = { any: 'false', digest: '', changed: 'false', ref: 'r@sha256:0' };
    const ended = await runWorkflow(example(basename(file, '.yml')), {
      contexts,
      act: () => ({ outputs }),
    });
    const own = Object.entries(ended).filter(([id]) => id !== 'release');
    for (const [id, { result }] of own)
      assert.match(result, /^(success|skipped)$/, `${file} ${id}`);
  }
});
