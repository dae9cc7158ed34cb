import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardedToolkit, type Toolkit } from '../../../src/action/toolkit.ts';
import { limits } from '../../../src/host/limits.ts';
import { commandsIn } from '../../tools/workflow-commands.ts';
import { recordingToolkit } from './toolkit.ts';

const hostile = 'evil\n::save-state name=run::PWN\r##[error]PWN\u001b[2J';

/** Every way by which the action prints text. */
const ways: Readonly<Record<string, (toolkit: Toolkit, text: string) => unknown>> = {
  info: (toolkit, text) => toolkit.info(text),
  debug: (toolkit, text) => toolkit.debug(text),
  warning: (toolkit, text) => toolkit.warning(text),
  error: (toolkit, text) => toolkit.error(text),
  group: (toolkit, text) => toolkit.startGroup(text),
  summary: (toolkit, text) => toolkit.writeSummary(text),
};

for (const [way, print] of Object.entries(ways)) {
  test(`${way}: text of others is no command, hides nothing, and shows no secret`, async () => {
    const runner = recordingToolkit();
    const toolkit = guardedToolkit(runner, true);
    toolkit.setSecret('hunter2');
    await print(toolkit, `${hostile} hunter2`);
    const [, printed = ''] = runner.calls;
    assert.ok(printed.startsWith(`${way} evil`), printed);
    assert.ok(printed.includes('\\e[2J') && !printed.includes('\u001b'), printed);
    assert.ok(!printed.includes('hunter2'), printed);
    // a summary is no part of the log
    if (way !== 'summary') assert.deepEqual(commandsIn(printed.slice(way.length + 1)), []);
  });
}

test('a group has one line', () => {
  const runner = recordingToolkit();
  guardedToolkit(runner, false).startGroup('a\nb');
  assert.deepEqual(runner.calls, ['group a\\nb']);
});

test('debug lines come where debug logging is on', () => {
  const runner = recordingToolkit();
  guardedToolkit(runner, false).debug('x');
  assert.deepEqual(runner.calls, []);
});

test('an output that is too long is left out, and no folder adds two to PATH', () => {
  const runner = recordingToolkit();
  const toolkit = guardedToolkit(runner, false);
  toolkit.setOutput('findings', 'x'.repeat(limits.output + 1));
  assert.equal(runner.outputs.findings, '');
  assert.match(runner.calls.join(), /warning The output findings is left out/);
  assert.throws(() => toolkit.addPath('/a\n/b'), /line break/);
});
