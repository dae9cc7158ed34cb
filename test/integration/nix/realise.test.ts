import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { startClosures } from '../../../src/nix/closures.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { nixIn, runNix } from '../../../src/nix/nix.ts';
import { dropRoots, realise } from '../../../src/nix/realise.ts';
import { queryPathInfo, queryValid } from '../../../src/nix/store.ts';
import type { DerivationOutput, Nix, NixEvent } from '../../../src/nix/types.ts';
import { workbench, writeFlake } from './workbench.ts';

/** Evaluates attributes of the flake in `folder` to their outputs. */
async function outputsOf(
  nix: Nix,
  folder: string,
  ...names: string[]
): Promise<DerivationOutput[]> {
  const evaluated = await Promise.all(
    names.map(name =>
      evaluate(nix, {
        installables: [`.#${name}`],
        cwd: join(folder, 'flake'),
        overrideInputs: [],
        acceptFlakeConfig: false,
      }),
    ),
  );
  return evaluated.map(({ target }) => target);
}

const validOutputs = (events: readonly NixEvent[]) =>
  events.flatMap(event => (event.type === 'output-valid' ? [event.outPath] : []));

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, String(error));
  return error;
}

/** Names that no other test has built. */
const unique = () => `t${process.pid}-${Math.random().toString(36).slice(2)}`;

test('outputs are told as they become valid, before later ones are built', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `first = sh "${id}-first" "echo one; echo two >&2; echo 1 > $out" { };
     second = sh "${id}-second" "\${shell}/busybox sleep 2; echo \${first} > $out" { };
     multi = sh "${id}-multi" "echo o > $out; echo \${second} > $lib" { outputs = [ "out" "lib" ]; };
     lib = multi.lib;`,
  );
  const outputs = await outputsOf(nix, folder, 'first', 'second', 'lib');
  const [first, second, lib] = outputs.map(({ outPath }) => outPath);
  const events: NixEvent[] = [];
  const options = {
    rootsDirectory: join(folder, 'roots'),
    onEvent: (e: NixEvent) => events.push(e),
  };
  await realise(nix, outputs, options);

  assert.deepEqual(validOutputs(events), [first, second, lib]);
  const firstValid = events.findIndex(e => e.type === 'output-valid' && e.outPath === first);
  const secondEnd = events.findIndex(
    e => e.type === 'build-end' && e.drvPath === outputs[1]?.drvPath,
  );
  assert.ok(firstValid < secondEnd, 'the first output was told only after the second was built');
  const ofFirst = events.filter(e => 'drvPath' in e && e.drvPath === outputs[0]?.drvPath);
  assert.deepEqual(
    ofFirst.map(event => (event.type === 'build-log' ? event.line : event.type)),
    ['build-start', 'one', 'two', 'build-end'],
  );

  const again: NixEvent[] = [];
  await realise(nix, outputs, { ...options, onEvent: event => again.push(event) });
  assert.deepEqual(new Set(validOutputs(again)), new Set([first, second, lib]));
  assert.ok(!again.some(event => event.type === 'build-start'));
});

test('realised outputs outlive a garbage collection until their roots are dropped', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(folder, `kept = sh "${id}" "echo 1 > $out" { };`);
  const outputs = await outputsOf(nix, folder, 'kept');
  const outPaths = outputs.map(({ outPath }) => outPath);
  const rootsDirectory = join(folder, 'roots');
  await realise(nix, outputs, { rootsDirectory });
  await realise(nix, outputs, { rootsDirectory });
  // a collection of just this: other tests use the store at the same time
  const collect = () => runNix(nix, 'nix-store', ['--delete', ...outPaths]);
  assert.notEqual((await collect()).code, 0);
  assert.deepEqual([...(await queryValid(nix, outPaths))], outPaths);
  await dropRoots(rootsDirectory);
  assert.equal((await collect()).code, 0);
  assert.deepEqual([...(await queryValid(nix, outPaths))], []);
});

test('failed builds are told with the end of their logs, and the others are realised', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `bad = sh "${id}-bad" "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; done; exit 3" { };
     needy = sh "${id}-needy" "echo \${bad} > $out" { };
     worse = sh "${id}-worse" "echo really; exit 4" { };
     good = sh "${id}-good" "echo fine > $out" { };`,
  );
  const outputs = await outputsOf(nix, folder, 'needy', 'worse', 'good');
  const events: NixEvent[] = [];
  const rootsDirectory = join(folder, 'roots');
  const failure = await failureOf(
    realise(nix, outputs, {
      rootsDirectory,
      onEvent: event => events.push(event),
      layerOf: drvPath => (drvPath.endsWith('bad.drv') ? 'layer3' : undefined),
    }),
  );
  assert.match(failure.message, /^2 builds failed: /);
  assert.ok(failure.message.includes(`${id}-bad of layer3 (builder failed with exit code 3)`));
  assert.ok(failure.message.includes(`${id}-worse (builder failed with exit code 4)`));
  assert.ok(!failure.message.includes('needy'));
  const evidence = failure.details.evidence ?? [];
  assert.ok(!evidence.includes('line 10'));
  assert.deepEqual(
    evidence.filter(line => line.startsWith('line ')),
    Array.from({ length: 30 }, (_, at) => `line ${at + 11}`),
  );
  assert.match(failure.details.next ?? '', /^nix log \/nix\/store\/.*\.drv$/m);
  assert.deepEqual(validOutputs(events), [outputs[2]?.outPath]);
  const ends = events.flatMap(e =>
    e.type === 'build-end' ? [[e.drvPath.slice(44), e.failed]] : [],
  );
  assert.deepEqual(
    new Map(ends.map(([name, failed]) => [name, failed])),
    new Map([
      [`${id}-bad.drv`, true],
      [`${id}-worse.drv`, true],
      [`${id}-good.drv`, false],
    ]),
  );
  const collected = await runNix(nix, 'nix-store', ['--delete', outputs[2]?.outPath ?? '']);
  assert.notEqual(collected.code, 0, 'what was realised is not protected');
});

test('one failed build names its layer, its log and its command', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `full = sh "${id}" "echo cp: write error: No space left on device; exit 1" { };`,
  );
  const outputs = await outputsOf(nix, folder, 'full');
  const failure = await failureOf(
    realise(nix, outputs, { rootsDirectory: join(folder, 'roots'), layerOf: () => 'layer5' }),
  );
  assert.equal(failure.message, `The build of ${id} failed: builder failed with exit code 1.`);
  assert.equal(failure.details.layer, 'layer5');
  assert.match(failure.details.why ?? '', /^likely: The disk is full/);
  assert.match(failure.details.next ?? '', /\nnix log \/nix\/store\/\S+\.drv$/);
});

test('substitutions are told, and what cannot be substituted is built', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `cached = sh "${id}-cached" "echo cached > $out" { };
     built = sh "${id}-built" "echo \${cached} > $out" { };`,
  );
  const outputs = await outputsOf(nix, folder, 'cached', 'built');
  const [cached, built] = outputs.map(({ outPath }) => outPath);
  const rootsDirectory = join(folder, 'roots');
  await realise(nix, outputs.slice(0, 1), { rootsDirectory });
  const cache = `file://${folder}/cache`;
  await runNix(nix, 'nix', ['copy', '--to', cache, cached ?? '']);
  await dropRoots(rootsDirectory);
  await runNix(nix, 'nix-store', ['--delete', cached ?? '']);
  const env = { ...nix.host.env, NIX_CONFIG: `substituters = ${cache}?trusted=true` };
  const withCache = await nixIn(nix.bin, { ...nix.host, env });
  assert.ok(withCache);
  const events: NixEvent[] = [];
  await realise(withCache, outputs, { rootsDirectory, onEvent: event => events.push(event) });
  assert.deepEqual(
    events.flatMap(e =>
      e.type.startsWith('substitute-') && 'path' in e ? [[e.type, e.path]] : [],
    ),
    [
      ['substitute-start', cached],
      ['substitute-end', cached],
    ],
  );
  assert.deepEqual(validOutputs(events), [cached, built]);
});

test('an aborted realisation ends its build and rejects with the reason', async t => {
  const controller = new AbortController();
  const { nix, folder } = await workbench(t, { signal: controller.signal });
  await writeFlake(
    folder,
    `endless = sh "${unique()}" "echo here; \${shell}/busybox sleep 1000" { };`,
  );
  const outputs = await outputsOf(nix, folder, 'endless');
  const reason = new Failure('Interrupted.', { exitCode: 130 });
  const ended = realise(nix, outputs, {
    rootsDirectory: join(folder, 'roots'),
    onEvent: event => {
      if (event.type === 'build-log') controller.abort(reason);
    },
  });
  await assert.rejects(ended, error => error === reason);
});

test('closures, sizes and references come from the store', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `low = sh "${id}-low" "echo low > $out" { };
     high = sh "${id}-high" "echo \${low} > $out" { };
     own = sh "${id}-own" "echo $out > $out" { };`,
  );
  const outputs = await outputsOf(nix, folder, 'low', 'high', 'own');
  await realise(nix, outputs, { rootsDirectory: join(folder, 'roots') });
  const [low = '', high = '', own = ''] = outputs.map(({ outPath }) => outPath);
  const nowhere = '/nix/store/00000000000000000000000000000000-nowhere';
  const closures = await startClosures().here(nix, [low, high, own, nowhere]);
  const paths = [...closures].map(([path, closure]) => [path, closure.map(each => each.path)]);
  assert.deepEqual(paths, [
    [low, [low]],
    [high, [low, high].sort()],
    [own, [own]],
  ]);
  assert.deepEqual(closures.get(low), [{ path: low, narSize: 120 }]);
  const infos = await queryPathInfo(nix, [low, high]);
  assert.equal(infos.get(low)?.narSize, 120);
  assert.deepEqual(infos.get(high)?.references, [low]);
  assert.deepEqual((await queryPathInfo(nix, [own])).get(own)?.references, [own]);
  assert.deepEqual(await queryValid(nix, [low, nowhere]), new Set([low]));
  await assert.rejects(startClosures().of(nix, nowhere), Failure);
});
