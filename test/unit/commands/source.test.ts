import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeSource } from '../../../src/commands/build/source.ts';
import type { BuildSettings } from '../../../src/inputs/settings.ts';
import { hostWithPrograms } from '../../tools/host.ts';

test('a commit does not decide where Nix is told to go by something else', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  t.after(() => rm(folder, { recursive: true }));
  const base = { PATH: process.env.PATH, HOME: folder, NIX_CONF_DIR: folder };
  const seen = async (lines: string[] = [], env: Record<string, string> = {}) => {
    const settings = { workingDirectory: folder, conf: { lines } } as unknown as BuildSettings;
    return (await seeSource(settings, hostWithPrograms({ ...base, ...env }))) !== undefined;
  };
  assert.equal(await seen(), false, 'no repository');
  const { run } = hostWithPrograms({ ...base });
  const git = (...args: string[]) =>
    run({
      file: 'git',
      args: ['-c', 'user.name=n', '-c', 'user.email=e', ...args],
      cwd: folder,
      limit: 'none',
    });
  await git('init', '--quiet');
  await git('commit', '--quiet', '--allow-empty', '-m', 'one');
  assert.equal(await seen(), true);
  assert.equal(await seen(['max-jobs = 3', '# system = x', 'pure-eval = true']), true);
  assert.equal(await seen(['store = daemon', 'substituters = x?store=/y']), true);
  const decisive = [
    ...['system = i686-linux', 'pure-eval = false', 'eval-system = x', 'plugin-files = /p.so'],
    ...['allow-unsafe-native-code-during-evaluation = true', 'store = local?store=/other'],
  ];
  for (const line of decisive) {
    assert.equal(await seen([line]), false, line);
    assert.equal(await seen([], { NIX_CONFIG: line }), false, line);
  }
  assert.equal(await seen([], { NIX_STORE_DIR: '/other/store' }), false);
  assert.equal(await seen([], { NIX_REMOTE: 'local?root=/r&store=/other' }), false);
  await writeFile(join(folder, 'nix.conf'), 'pure-eval = false\n');
  assert.equal(await seen(), false, 'the nix.conf of the machine');
});
