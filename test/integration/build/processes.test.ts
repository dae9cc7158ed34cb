import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logNix } from '../../tools/nix-log.ts';
import { startRegistry } from '../../tools/registry.ts';
import { copyExample } from './hermetic-example.ts';
import { freshMachine, type Machine } from './machine.ts';

/** What a process of Nix is started for, by its command. */
const purposes = {
  version: /^nix --version$/,
  settings: /^nix .*(config show|show-config) --json$/,
  evaluation: /^nix eval /,
  validity: /^nix-store --check-validity /,
  plan: /^nix-store --realise --dry-run /,
  realisation: /^nix-store --realise --keep-going /,
  closures: /^nix-store --query --requisites /,
  contents: /^nix-store --dump-db /,
};
type Purpose = keyof typeof purposes;

/** The processes by what they are for; one that is for nothing known is a failure. */
function byPurpose(processes: readonly string[][]): Partial<Record<Purpose, string[][]>> {
  const entries = Object.entries(purposes) as [Purpose, RegExp][];
  return Object.groupBy(processes, words => {
    const command = words.join(' ');
    const found = entries.find(([, pattern]) => pattern.test(command));
    assert.ok(found, `what is this for: ${command}`);
    return found[0];
  });
}

const countOf = (processes: ReturnType<typeof byPurpose>) =>
  Object.fromEntries(Object.entries(processes).map(([purpose, all]) => [purpose, all.length]));

const pathsOf = (processes: readonly string[][] = []) =>
  processes.flat().filter(word => /^\/nix\/store\/[^!]+$/.test(word));

const assertOnce = (paths: readonly string[]) =>
  assert.deepEqual([...new Set(paths)], paths, 'a question was asked twice');

test('a build asks Nix each question once', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const example = await copyExample(context);
  const log = await logNix(context);
  const build = async (machine: Machine) => {
    const args = ['--image', `${registry.address}/comfy/demo`];
    const { code, stderr } = await machine.build(example, args, { wrapper: log.wrapper });
    assert.equal(code, 0, stderr);
    return log.started();
  };
  const machine = await freshMachine(context);

  const cold = await build(machine);
  const { closures, contents, validity, settings, ...others } = byPurpose(cold);
  assert.deepEqual(countOf(others), { version: 1, evaluation: 1, plan: 1, realisation: 1 });
  assert.ok(settings && settings.length <= 3);
  assertOnce(pathsOf(closures));
  assertOnce(pathsOf(contents));
  assert.equal(closures?.length, contents?.length);
  const [first = [], ...later] = validity ?? [];
  const outputs = new Set(pathsOf([first]));
  assert.equal(outputs.size, 6, 'all layers are asked for at once');
  // while Nix is at work: of what it builds, only layers that are on the disk by then
  assert.ok(pathsOf(later).every(path => outputs.has(path)));
  assert.ok(cold.length <= 32, JSON.stringify(countOf(byPurpose(cold))));

  const unchanged = byPurpose(await build(machine));
  const always = { version: 1, settings: 2, evaluation: 1, validity: 1 };
  assert.deepEqual(countOf(unchanged), { ...always, closures: 1, contents: 1 });

  const elsewhere = byPurpose(await build(await freshMachine(context)));
  assert.deepEqual(countOf(elsewhere), always, 'an empty store has nothing to say');
});
