import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { builderKeyFile, withdrawConf, writeConf } from '../../../src/nix/conf-files.ts';

const conf = {
  lines: ['fallback = true'],
  secret: ['extra-access-tokens = github.com=hunter2'],
  netrc: ['machine x.example password hunter3'],
};
let folder = '';
let home: { HOME: string };
const ours = () => readFile(join(folder, 'comfy-nix.conf'), 'utf8');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conf-'));
  home = { HOME: join(folder, 'home') };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('settings of a job', () => {
  it("come before the user's own files", async () => {
    const env = await writeConf(conf, { kind: 'folder', folder }, home);
    assert.deepEqual(env.NIX_USER_CONF_FILES?.split(':'), [
      join(folder, 'comfy-nix.conf'),
      join(home.HOME, '.config/nix/nix.conf'),
      '/etc/xdg/nix/nix.conf',
    ]);
    const stated = { ...home, NIX_USER_CONF_FILES: '/a:/b' };
    const added = await writeConf(conf, { kind: 'folder', folder }, stated);
    assert.equal(added.NIX_USER_CONF_FILES, `${join(folder, 'comfy-nix.conf')}:/a:/b`);
    const again = await writeConf(conf, { kind: 'folder', folder }, added);
    assert.deepEqual(again, added);
  });

  it('keep secrets in files that nobody else can read', async () => {
    await writeConf(conf, { kind: 'folder', folder }, home);
    const text = await ours();
    assert.ok(!text.includes('hunter'));
    assert.match(text, /^!include comfy-nix-secrets\.conf$/m);
    assert.match(text, new RegExp(`^netrc-file = ${join(folder, 'comfy-nix-netrc')}$`, 'm'));
    for (const name of ['comfy-nix-secrets.conf', 'comfy-nix-netrc']) {
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
    }
  });

  it('that cannot be written are a failure that says where', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(
      writeConf(conf, { kind: 'folder', folder: file }, home),
      (error: unknown) => error instanceof Failure && (error.details.tried ?? '').includes(file),
    );
  });
});

describe('settings of a user', () => {
  const nixConf = () => join(home.HOME, '.config/nix/nix.conf');

  it('are included from nix.conf once, which stays what it was', async () => {
    await mkdir(join(home.HOME, '.config/nix'), { recursive: true });
    await writeFile(nixConf(), 'cores = 1'); // without a line end
    for (const _ of [1, 2]) assert.deepEqual(await writeConf(conf, { kind: 'user' }, home), {});
    assert.equal(await readFile(nixConf(), 'utf8'), 'cores = 1\n!include comfy-nix.conf\n');
  });

  it('are taken back before the next run looks at what the user has set', async () => {
    await writeConf(conf, { kind: 'user' }, home);
    await writeFile(builderKeyFile({ kind: 'user' }, home), 'hunter4');
    await withdrawConf({ kind: 'user' }, home);
    assert.deepEqual(await readdir(join(home.HOME, '.config/nix')), ['nix.conf']);
    assert.equal(await readFile(nixConf(), 'utf8'), '!include comfy-nix.conf\n');
  });
});
