import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { watchFailing } from '../../../src/caches/failing.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { realise } from '../../../src/nix/realise.ts';
import { queryValid } from '../../../src/nix/store.ts';
import type { DerivationOutput, Nix, NixEvent } from '../../../src/nix/types.ts';
import { type Mood, startMoodyCache } from '../../tools/cache-stand-in.ts';
import { run } from '../build/hermetic-example.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';

/** Milliseconds in which a cache must answer here. */
const soon = 500;

const unique = () => `f${process.pid}-${Math.random().toString(36).slice(2)}`;

/** Two caches: one that changes its mood, and a good one; `packages` as for `writeFlake`. */
async function scene(t: TestContext, packages: string, ...names: string[]) {
  const { nix: plain, folder, emitted } = await workbench(t);
  await writeFlake(folder, packages);
  const files = join(folder, 'files');
  await mkdir(files);
  const cache = await startMoodyCache(files);
  t.after(cache.stop);
  const NIX_CONFIG = [
    plain.env.NIX_CONFIG,
    `substituters = ${cache.url}`,
    ...['require-sigs = false', 'fallback = true', 'stalled-download-timeout = 1'],
    ...[
      'download-attempts = 3',
      'narinfo-cache-negative-ttl = 0',
      'narinfo-cache-positive-ttl = 0',
    ],
  ].join('\n');
  const nix: Nix = { ...plain, env: { ...plain.env, NIX_CONFIG } };
  const outputs: DerivationOutput[] = [];
  for (const name of names) {
    const { target } = await evaluate(nix, {
      ...{ installables: [`.#${name}`], cwd: join(folder, 'flake') },
      ...{ overrideInputs: [], acceptFlakeConfig: false },
    });
    outputs.push(target);
  }
  const failing = watchFailing(nix, nix.host, soon);
  const events: NixEvent[] = [];
  const work = () =>
    realise(nix, outputs, {
      rootsDirectory: join(folder, 'roots'),
      caches: failing,
      onEvent: event => {
        events.push(event);
        if (event.type === 'message') failing.hear(event.text);
      },
    });
  const warnings = () => emitted.flatMap(event => (event.type === 'warning' ? event.message : []));
  return { nix, plain, cache, files, outputs, failing, work, events, warnings };
}

const builds = (events: readonly NixEvent[]) =>
  events.filter(event => event.type === 'build-start').length;

test('a cache that does not answer for paths any more is found at once, and not asked by Nix', async t => {
  const moods: [Mood, RegExp][] = [
    ['silent', /no answer in 0\.5 s/],
    ['busy', /it answers 429/],
    ['broken', /it answers 503/],
  ];
  for (const [mood, reason] of moods) {
    const name = unique();
    const { cache, outputs, failing, work, events, warnings } = await scene(
      t,
      `one = sh "${name}" "echo built > $out" { };`,
      'one',
    );
    cache.mood = mood;
    await failing.ask(outputs[0]?.outPath ?? '');
    const asked = cache.asked.length;
    await work();
    assert.equal(builds(events), 1, mood);
    assert.equal(cache.asked.length, asked, `${mood}: ${cache.asked}`);
    assert.equal(warnings().length, 1);
    assert.match(warnings()[0] ?? '', reason);
    assert.deepEqual(
      failing.leftOut().map(each => each.cache),
      [cache.url],
    );
  }
});

test('one that stops answering while Nix asks it is left behind: it is built', async t => {
  for (const mood of ['silent', 'busy', 'broken'] as const) {
    const name = unique();
    const { cache, work, events, warnings, nix, outputs } = await scene(
      t,
      `one = sh "${name}" "echo built > $out" { };`,
      'one',
    );
    cache.mood = mood;
    await work();
    assert.equal(builds(events), 1, mood);
    assert.deepEqual(warnings().length, 1, warnings().join('\n'));
    const paths = outputs.map(({ outPath }) => outPath);
    assert.deepEqual(await queryValid(nix, paths), new Set(paths));
    // Nix itself would wait for minutes between its attempts at one that is busy
    assert.ok(cache.asked.length <= 6, `${mood}: ${cache.asked}`);
  }
});

test('one whose files cannot be had is left behind, too', async t => {
  const name = unique();
  const { cache, files, work, events, warnings, plain, outputs } = await scene(
    t,
    `one = sh "${name}" "echo built > $out" { };`,
    'one',
  );
  const [{ drvPath, outPath } = { drvPath: '', outPath: '' }] = outputs;
  await run('nix-store', ['--realise', drvPath]);
  const features = ['--extra-experimental-features', 'nix-command flakes'];
  await run('nix', [...features, 'copy', '--no-check-sigs', '--to', `file://${files}`, outPath]);
  await run('nix-store', ['--delete', outPath]);
  cache.mood = 'broken-files';
  await work();
  assert.equal(builds(events), 1);
  assert.equal(warnings().length, 1);
  assert.deepEqual(await queryValid(plain, [outPath]), new Set([outPath]));
});

test('a build that fails by itself is not begun again, whatever caches do', async t => {
  const name = unique();
  const { cache, work, events } = await scene(t, `one = sh "${name}" "exit 3" { };`, 'one');
  cache.mood = 'broken';
  await assert.rejects(work(), /failed/);
  assert.equal(builds(events), 1);
});

test('a hiccup costs no cache: what answers by then stays in use', async t => {
  const { cache, failing, warnings } = await scene(t, 'one = sh "one" "echo > $out" { };', 'one');
  failing.hear(
    `warning: unable to download '${cache.url}/${'0'.repeat(32)}.narinfo': HTTP error 503; retrying in 300 ms`,
  );
  failing.hear(
    "error: unable to download 'https://elsewhere.example/source.tar.gz': HTTP error 503",
  );
  assert.equal(await failing.settled(), 0);
  assert.deepEqual(warnings(), []);
  assert.deepEqual(cache.asked, [`/${'0'.repeat(32)}.narinfo`]);
});
