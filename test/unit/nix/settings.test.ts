import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askEarly, effectiveConf, parseSettings } from '../../../src/nix/conf.ts';
import { findNix } from '../../../src/nix/nix.ts';
import { standInNix } from '../../tools/nix-stand-in.ts';

test('settings of another shape are a failure that does not quote them', () => {
  const deep = `{"x":{"value":${'['.repeat(10_000)}"TOKEN"${']'.repeat(10_000)}}}`;
  for (const odd of ['TOKEN', 'null', '["TOKEN"]', '{"access-tokens":"TOKEN"}', deep]) {
    assert.throws(
      () => parseSettings(odd),
      (error: Error) => !error.message.includes('TOKEN'),
    );
    assert.throws(
      () => parseSettings(odd),
      /Nix does not tell its settings in a form that is known/,
    );
  }
});

test('names that every object has are no settings, and values of other kinds are empty', () => {
  const conf = effectiveConf(
    parseSettings('{"cores":{"value":{"toString":1}},"list":{"value":[[]]}}'),
  );
  assert.equal(conf.knows('constructor'), false);
  assert.equal(conf.text('cores'), '');
  assert.deepEqual(conf.list('list'), ['']);
});

test('version and settings are asked for at once; what is refused so is asked for by its newer name', async t => {
  const both = Promise.withResolvers<void>();
  for (const refuses of [false, true]) {
    const { host, asked } = await standInNix(t, ['cores = 3'], () => assert.fail());
    const run: typeof host.run = async command => {
      const said = await host.run(command);
      if (asked.length > 1) both.resolve();
      await both.promise; // one alone is never answered
      return refuses && command.args.includes('show-config') ? { ...said, code: 1 } : said;
    };
    const early = askEarly();
    const nix = await findNix({ ...host, run }, early.meet);
    assert.ok(nix);
    assert.equal((await early.confOf(nix)).text('cores'), '3');
    await early.answered();
    assert.deepEqual(asked.slice(0, 2).sort(), ['--version', 'show-config']);
    assert.deepEqual(asked.slice(2), refuses ? ['config show'] : []);
  }
});
