import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import stringWidth from 'string-width';
import { openTerminal } from '../../tools/terminal.ts';

const liveRun = fileURLToPath(new URL('../../tools/live-run.ts', import.meta.url));
const command = [process.execPath, '--disable-warning=ExperimentalWarning', liveRun];

for (const [columns, rows] of [
  [40, 10],
  [80, 24],
  [200, 60],
] as const) {
  test(`in a terminal of ${columns} × ${rows} the layers that work are seen, and nothing scrolls`, async context => {
    const terminal = await openTerminal(context, { columns, rows }, command);
    const lines = await terminal.until(/layer6-app/);
    const text = lines.join('\n');
    assert.ok(lines.every(line => stringWidth(line) <= columns));
    const seen = lines.flatMap(line => /^ {2}(layer[\w-]+) /.exec(line)?.[1] ?? []);
    assert.deepEqual(seen.slice(0, 3), ['layer1-python', 'layer3-pytorch', 'layer6-app']);
    for (const count of ['12 of 41 built', '3 of 9 fetched', '180 of 640 MB']) {
      assert.ok(text.includes(count), count);
    }
    assert.match(text, /Building the layers/);
    assert.match(text, / (\w|-|\.)+> (\[1204|Installing)/);
    if (rows > 10) assert.match(text, /^warning: This run has `--no-reuse`\.$/m);
    if (rows < 60) assert.match(text, /^ {2}and \d+ more that wait$/m);
  });
}

test('colours are there unless they are not wanted, and no builder brings its own', async context => {
  const size = { columns: 100, rows: 30 };
  const [usual, without] = await Promise.all(
    [{}, { NO_COLOR: '1' }].map(async env => {
      const terminal = await openTerminal(context, size, command, env);
      await terminal.until(/layer6-app/);
      return (await terminal.screen('with escapes')).join('\n');
    }),
  );
  const visible = usual?.replaceAll('\u001b', '\\e') ?? '';
  assert.match(visible, /\\e\[1m(\\e\[39m)?Building the layers/);
  assert.match(visible, /\\e\[33mwarning: This run/);
  assert.match(usual ?? '', /Installing \S+ nodes|Installing custom\\e\]8;;x/);
  assert.ok(!without?.includes('\u001b'));
});

test('a dumb terminal gets lines', async context => {
  const env = { TERM: 'dumb' };
  const shell = ['env', 'TERM=dumb', ...command];
  const terminal = await openTerminal(context, { columns: 80, rows: 24 }, shell, env);
  await terminal.until(/^layer6-app: building comfyui-0\.3\.75$/m);
  assert.ok(!(await terminal.screen('with escapes')).join('').includes('\u001b'));
});

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const program = `${process.execPath} ${main}`;

/** How each shell is started without anybody's settings, and told the completions. */
const shells = {
  bash: { command: ['bash', '--norc', '-i'], load: `source <(${program} completion bash)` },
  zsh: {
    command: ['zsh', '-f', '-i'],
    load: `autoload -U compinit && compinit -u && source <(${program} completion zsh)`,
  },
  fish: { command: ['fish', '--no-config'], load: `${program} completion fish | source` },
};

for (const [name, { command: shell, load }] of Object.entries(shells)) {
  test(`${name} completes subcommands, flags and values`, async context => {
    const terminal = await openTerminal(context, { columns: 120, rows: 40 }, shell);
    await terminal.type(`${load}; echo it is rea''dy`, 'Enter');
    await terminal.until(/^it is ready/m);
    await terminal.type('comfy-nix pref', 'Tab');
    await terminal.until(/comfy-nix prefetch/);
    await terminal.type('--verif', 'Tab');
    await terminal.until(/comfy-nix prefetch --verify/);
    await terminal.type('C-u'); // which all of them take at once, other than C-c
    await terminal.type('comfy-nix build --compre', 'Tab');
    await terminal.until(/comfy-nix build --compression/);
    await terminal.type(' gz', 'Tab');
    await terminal.until(/comfy-nix build --compression +gzip/);
  });
}
