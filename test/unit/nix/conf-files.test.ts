import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { freshName } from '../../../src/host/hands.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import {
  builderKeyFile,
  confFile,
  removeConf,
  withdrawConf,
  writeConf,
} from '../../../src/nix/conf-files.ts';
import { quietHost } from '../../tools/host.ts';

const conf = {
  lines: ['fallback = true'],
  secret: ['extra-access-tokens = github.com=hunter2'],
  netrc: ['machine x.example password hunter3'],
};
let folder = '';
let home: { HOME: string };
const hostWith = (env: Host['env']) =>
  quietHost({ env, run: processRunner({ PATH: process.env.PATH, ...env }) });
const write = (kind: 'folder' | 'user', env: Host['env'] = home) =>
  writeConf(conf, { kind, folder }, hostWith(env));
const ours = () => readFile(join(folder, 'comfy-nix.conf'), 'utf8');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conf-'));
  home = { HOME: join(folder, 'home') };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('settings of a job', () => {
  it("come before the user's own files", async () => {
    const { env } = await write('folder');
    assert.deepEqual(env.NIX_USER_CONF_FILES?.split(':'), [
      join(folder, 'comfy-nix.conf'),
      join(home.HOME, '.config/nix/nix.conf'),
      '/etc/xdg/nix/nix.conf',
    ]);
    const stated = { ...home, NIX_USER_CONF_FILES: '/a:/b' };
    const { env: added } = await write('folder', stated);
    assert.equal(added.NIX_USER_CONF_FILES, `${join(folder, 'comfy-nix.conf')}:/a:/b`);
    const again = await write('folder', { ...home, ...added });
    assert.deepEqual(again.env, added);
  });

  it('keep secrets in files that nobody else can read', async () => {
    await write('folder');
    const text = await ours();
    assert.ok(!text.includes('hunter'));
    assert.match(text, /^!include comfy-nix-secrets\.conf$/m);
    assert.match(text, new RegExp(`^netrc-file = ${join(folder, 'comfy-nix-netrc')}$`, 'm'));
    for (const name of ['comfy-nix-secrets.conf', 'comfy-nix-netrc']) {
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
    }
  });

  it('are a file that nobody else reads, and no more files than there is something for', async () => {
    const few = { lines: ['a = 1', 'b = 2'], secret: [], netrc: [] };
    await writeConf(few, { kind: 'folder', folder }, hostWith(home));
    assert.equal(await ours(), 'a = 1\nb = 2\n');
    assert.equal((await stat(join(folder, 'comfy-nix.conf'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['comfy-nix.conf']);
    await write('folder');
    const text = `netrc-file = ${join(folder, 'comfy-nix-netrc')}\nfallback = true\n`;
    assert.equal(await ours(), `${text}!include comfy-nix-secrets.conf\n`);
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    assert.equal(await read('comfy-nix-secrets.conf'), `${conf.secret[0]}\n`);
    assert.equal(await read('comfy-nix-netrc'), `${conf.netrc[0]}\n`);
    assert.equal((await readdir(folder)).length, 3, 'nothing is left beside them');
  });

  it('stay when what was written for a user is taken back', async () => {
    await write('folder');
    await withdrawConf({ kind: 'folder', folder }, home);
    assert.equal((await readdir(folder)).length, 3);
  });

  it('have their place', async () => {
    const place = { kind: 'folder', folder } as const;
    assert.equal(await confFile(place, home), join(folder, 'comfy-nix.conf'));
    assert.equal(await builderKeyFile(place, home), join(folder, 'comfy-nix-builder-key'));
    const user = await confFile({ kind: 'user' }, home);
    assert.equal(user, join(home.HOME, '.config/nix/comfy-nix.conf'));
    const stated = { ...home, NIX_CONFIG_HOME: '/there' };
    assert.equal(await confFile({ kind: 'user' }, stated), '/there/comfy-nix.conf');
  });

  it('that cannot be written are a failure that says where', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(
      writeConf(conf, { kind: 'folder', folder: file }, hostWith(home)),
      (error: unknown) => error instanceof Failure && (error.details.tried ?? '').includes(file),
    );
  });
});

describe('settings of a user', () => {
  const nixFolder = () => join(home.HOME, '.config/nix');
  const nixConf = () => join(nixFolder(), 'nix.conf');
  const inUser = async (text: string, mode = 0o644) => {
    await mkdir(nixFolder(), { recursive: true });
    await writeFile(nixConf(), text, { mode });
  };

  it('are included from nix.conf once, which is what it was when they are taken back', async () => {
    for (const text of ['cores = 1\n', 'cores = 1', '', '# caf\u00e9\r\n']) {
      await inUser(text, 0o640);
      for (const _ of [1, 2]) assert.deepEqual(await write('user'), { env: {} });
      const included = await readFile(nixConf(), 'utf8');
      assert.equal(included.match(/^!include comfy-nix\.conf\b/gm)?.length, 1, included);
      assert.ok(included.startsWith(text));
      assert.equal(await removeConf(hostWith(home)), true);
      assert.equal(await readFile(nixConf(), 'utf8'), text);
      assert.deepEqual(await readdir(nixFolder()), ['nix.conf']);
      await rm(nixConf());
    }
  });

  it('are taken back from a nix.conf that was made for them, and from one that has grown', async () => {
    await write('user');
    await removeConf(hostWith(home));
    assert.deepEqual(await readdir(nixFolder()), []);
    await inUser('cores = 1');
    await write('user');
    await appendFile(nixConf(), 'max-jobs = 2\n');
    await removeConf(hostWith(home));
    assert.equal(await readFile(nixConf(), 'utf8'), 'cores = 1\nmax-jobs = 2\n');
  });

  it('are taken back before the next run looks at what the user has set', async () => {
    await write('user');
    await writeFile(await builderKeyFile({ kind: 'user' }, home), 'hunter4');
    await withdrawConf({ kind: 'user' }, home);
    assert.deepEqual(await readdir(nixFolder()), ['.comfy-nix', 'nix.conf']);
    assert.deepEqual(await write('user'), { env: {} });
    assert.match(await readFile(join(nixFolder(), 'comfy-nix.conf'), 'utf8'), /^fallback = true$/m);
  });

  it('go by a variable where nix.conf lies in a store, and the line to add is said', async () => {
    const store = join(folder, '0123456789abcdfghijklmnpqrsvwxyz-home');
    await mkdir(store);
    await mkdir(nixFolder(), { recursive: true });
    await writeFile(join(store, 'nix.conf'), 'cores = 1\n');
    await symlink(join(store, 'nix.conf'), nixConf());
    const { env, advice = '' } = await write('user');
    const ours = join(nixFolder(), 'comfy-nix.conf');
    assert.deepEqual(env.NIX_USER_CONF_FILES?.split(':').slice(0, 2), [ours, nixConf()]);
    assert.ok(advice.includes(`"!include ${ours}"`) && advice.includes('Nix store'), advice);
    assert.equal(await readFile(nixConf(), 'utf8'), 'cores = 1\n');
    assert.deepEqual(await write('user', { ...home, ...env }), { env: {} }, 'once it is followed');
    // its owner says the line himself
    await writeFile(join(store, 'nix.conf'), `!include ${ours}\n`);
    assert.deepEqual(await write('user'), { env: {} });
  });

  it('are nowhere in a store when the whole folder is a link into one', async () => {
    const store = join(folder, '0123456789abcdfghijklmnpqrsvwxyz-home');
    await mkdir(store);
    await mkdir(join(home.HOME, '.config'), { recursive: true });
    await symlink(store, nixFolder());
    const { advice = '' } = await write('user');
    assert.deepEqual(await readdir(store), []);
    assert.ok(
      advice.includes(join(home.HOME, '.local/state/comfy-nix/nix/comfy-nix.conf')),
      advice,
    );
  });

  it('are among the state of programs where the folder is in a store, wherever that state is', async () => {
    const store = join(folder, '0123456789abcdfghijklmnpqrsvwxyz-home');
    await mkdir(store);
    await mkdir(join(home.HOME, '.config'), { recursive: true });
    await symlink(store, nixFolder());
    const XDG_STATE_HOME = join(folder, 'state');
    const file = await confFile({ kind: 'user' }, { ...home, XDG_STATE_HOME });
    assert.equal(file, join(XDG_STATE_HOME, 'comfy-nix/nix/comfy-nix.conf'));
    const nothing = await removeConf(hostWith({ ...home, XDG_STATE_HOME }));
    assert.equal(nothing, false);
    // its owner says the line himself, with the whole name
    await writeFile(join(store, 'nix.conf'), `!include ${file}\n`);
    assert.deepEqual(await write('user', { ...home, XDG_STATE_HOME }), { env: {} });
    const text = await readFile(file, 'utf8');
    assert.match(text, /^fallback = true$/m);
  });

  it('leave nothing behind of a run that was killed, nor of one without settings', async () => {
    assert.equal(await removeConf(hostWith(home)), false);
    await inUser('cores = 1\n');
    assert.equal(await removeConf(hostWith(home)), false);
    await write('user');
    for (const name of ['comfy-nix.conf', 'comfy-nix-secrets.conf', 'comfy-nix-netrc']) {
      await writeFile(freshName(join(nixFolder(), name)), 'half');
    }
    assert.equal(await removeConf(hostWith(home)), true);
    assert.deepEqual(await readdir(nixFolder()), ['nix.conf']);
  });

  it('that are still included from where nothing may be written are told', async () => {
    const store = join(folder, '0123456789abcdfghijklmnpqrsvwxyz-home');
    await mkdir(store);
    await inUser('cores = 1\n');
    await write('user');
    const text = await readFile(nixConf(), 'utf8');
    await rm(nixConf());
    await writeFile(join(store, 'nix.conf'), text);
    await symlink(join(store, 'nix.conf'), nixConf());
    const host = hostWith(home);
    assert.equal(await removeConf(host), true);
    assert.equal(host.warnings.length, 1);
    const [warning = ''] = host.warnings;
    assert.ok(warning.startsWith(`${nixConf()} still includes comfy-nix.conf, which is not there`));
    assert.equal(await readFile(nixConf(), 'utf8'), text);
    assert.deepEqual(await readdir(nixFolder()), ['nix.conf']);
  });

  it('that a variable names are read, be it our file or one that includes it', async () => {
    const named = (files: string) => write('user', { ...home, NIX_USER_CONF_FILES: files });
    assert.deepEqual(await named(`/a:${nixConf()}`), { env: {} });
    assert.deepEqual(await named(`/a:${join(nixFolder(), 'comfy-nix.conf')}`), { env: {} });
    const { env, advice } = await named(`${nixConf()}x`);
    assert.ok(advice);
    const ours = join(nixFolder(), 'comfy-nix.conf');
    assert.equal(env.NIX_USER_CONF_FILES, `${ours}:${nixConf()}x`);
  });

  it('that a variable hides are told', async () => {
    const { advice = '' } = await write('user', { ...home, NIX_USER_CONF_FILES: '/a:/b' });
    assert.match(advice, /NIX_USER_CONF_FILES names other files.*comfy-nix\.conf:\/a:\/b$/);
  });
});
