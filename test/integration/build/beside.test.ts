import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from '../../../src/commands/build.ts';
import type { Host } from '../../../src/host/host.ts';
import type { Command, Finished } from '../../../src/host/process.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { runNix } from '../../../src/nix/nix.ts';
import { startSlowCache } from '../../tools/cache-stand-in.ts';
import { startRegistry } from '../../tools/registry.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';

/** An image of one layer, which no other test has built. */
const packages = (name: string) => `
  base = sh "${name}" "echo ${name} > $out" { };
  comfyui = base // {
    recipe = { name = "demo"; tag = "x"; layers = [ { name = "base"; target = base; } ]; };
  };
`;

/** Builds such an image; `evaluate` goes around the processes that evaluate. */
async function scene(t: TestContext, name: string) {
  const { nix, folder, emitted } = await workbench(t);
  await writeFlake(folder, packages(`${name}-${process.pid}`));
  await writeFile(join(folder, 'shell/name'), name); // an input of its own
  const flake = `path:${folder}/flake`;
  const asked: string[] = [];
  const run = async (inputs: RawInputs, around: Around = evaluate => evaluate()) => {
    asked.length = 0;
    const settings = parseBuild(
      {
        ...{ flake: `${flake}#comfyui`, 'install-nix': 'none', 'cuda-caches': 'false' },
        ...{ 'reclaim-disk': 'false', 'github-cache': 'false', ...inputs },
      },
      { face: 'command-line', currentDirectory: folder, temporaryDirectory: folder },
    );
    const watched: Host['run'] = command => {
      asked.push(questionIn(command));
      const go = () => nix.host.run(command);
      return command.args.includes('eval') ? around(go) : go();
    };
    return build(settings, { ...nix.host, run: watched });
  };
  const said = (type: 'notice' | 'warning') =>
    emitted.flatMap(event => (event.type === type ? [event.message] : []));
  return { nix, folder, flake, run, asked, said };
}

/** Has an evaluation begin, and gives its end. */
type Around = (evaluate: () => Promise<Finished>) => Promise<Finished>;

/** A program and the first of its words that are no options' values. */
function questionIn({ file, args }: Command): string {
  const kind = args.find(word => !['--extra-experimental-features', 'nix-command'].includes(word));
  return `${file.split('/').at(-1)} ${kind}`;
}

/** Until something holds; at the latest until `work` fails. */
async function until(holds: () => boolean, work?: Promise<unknown>): Promise<void> {
  let failure: unknown;
  work?.catch((error: unknown) => {
    failure = error;
  });
  while (!holds() && failure === undefined) await pause(5);
  if (failure !== undefined) throw failure;
}

test('caches are asked and the registry is logged in to while Nix evaluates', {
  timeout: 120_000,
}, async t => {
  const [cache, registry] = [await startSlowCache(t), await startRegistry({ auth: 'token' })];
  t.after(registry.stop);
  const { run, said, asked } = await scene(t, 'beside');
  const inputs = {
    image: `${registry.address}/o/demo`,
    'extra-substituters': cache.url,
    'registry-username': 'user',
    'registry-password': 'secret',
  };
  const outcome = await run(inputs, async evaluate => {
    const ended = await evaluate();
    // all of this happens before evaluation is known to have ended, or never
    await cache.asked;
    await until(() => registry.askedScopes.length > 0);
    cache.answer(404);
    return ended;
  });
  assert.equal(outcome.record.outcome, 'success');
  assert.deepEqual(said('warning'), [
    `Caches that cannot be used are left out: ${cache.url} (it answers 404).`,
  ]);
  assert.equal(cache.logins.length, 1, 'Nix, which has built, has not asked it');
  assert.ok(asked.includes('nix-store --realise'), asked.join());

  await run(inputs);
  const questions = asked.filter(question => question.startsWith('nix '));
  assert.deepEqual(new Set(questions.slice(0, 2)), new Set(['nix --version', 'nix show-config']));
  assert.deepEqual(questions.slice(2).length, 2, asked.join());
  assert.match(
    questions.slice(2).sort().join(),
    /^nix (show-)?config,nix eval$|^nix eval,nix (show-)?config$/,
  );
});

test('inputs may come from caches: evaluation does not wait for one that lets it wait', {
  timeout: 120_000,
}, async t => {
  const cache = await startSlowCache(t);
  const { run, said, nix, flake } = await scene(t, 'waiting');
  // an input that is locked, and not there
  const lock = await runNix(nix, 'nix', ['flake', 'lock', flake]);
  assert.equal(lock.code, 0, lock.stderr);
  for (const name of await readdir('/nix/store')) {
    const path = join('/nix/store', name);
    const isInput = await readFile(join(path, 'name'), 'utf8').then(
      text => text === 'waiting',
      () => false,
    );
    if (isInput) await runNix(nix, 'nix-store', ['--delete', path]);
  }

  const running = run({ image: 'oci:image', 'extra-substituters': cache.url });
  await until(() => cache.logins.length > 1, running);
  cache.answer(429);
  assert.equal((await running).record.outcome, 'success');
  const begun = said('notice').filter(message => message.includes('begins again without it'));
  assert.equal(begun.length, 1, said('notice').join('\n'));
  assert.match(said('warning').join('\n'), /left out: .* \(it answers 429\)/);
});
