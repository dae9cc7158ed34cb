import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brokenSettings } from '../../../src/nix/broken-settings.ts';
import { effectiveConf, parseSettings } from '../../../src/nix/conf.ts';
import { confStatements } from '../../../src/nix/conf-statements.ts';
import { readConfText } from '../../../src/nix/conf-text.ts';
import { nixHome, userConfFiles } from '../../../src/nix/user-files.ts';

test('lines of a nix.conf: words, comments, includes, and what Nix refuses', () => {
  const text =
    '# a\n\ncores =  1\t2 # three\n!include a\ninclude b c\nthis is garbage\nsubstituters =\nx';
  assert.deepEqual(readConfText(text), [
    { kind: 'setting', line: 3, name: 'cores', value: '1 2' },
    { kind: 'include', line: 4, file: 'a', required: false },
    { kind: 'unreadable', line: 5 },
    { kind: 'unreadable', line: 6 },
    { kind: 'setting', line: 7, name: 'substituters', value: '' },
    { kind: 'unreadable', line: 8 },
  ]);
});

test("settings come from the system's file, the user's, and NIX_CONFIG last; includes count", async t => {
  const folder = await mkdtemp(join(tmpdir(), 'statements-'));
  t.after(() => rm(folder, { recursive: true }));
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  await writeFile(join(folder, 'nix.conf'), 'cores = 1\n');
  await writeFile(first, 'cores = 3\n');
  await writeFile(second, '!include more\n!include second\n');
  await writeFile(join(folder, 'more'), '\ncores = 2\n');
  const env = {
    NIX_CONF_DIR: folder,
    NIX_USER_CONF_FILES: `${first}:${second}`,
    NIX_CONFIG: 'max-jobs = 1\ncores = 4',
  };
  const found = (await confStatements(env)).filter(({ name }) => name === 'cores');
  assert.deepEqual(
    [...new Set(found.map(({ file, line, value }) => `${file}:${line} ${value}`))],
    [
      `${join(folder, 'nix.conf')}:1 1`,
      `${join(folder, 'more')}:2 2`,
      `${first}:1 3`,
      'NIX_CONFIG:2 4',
    ],
  );
});

test('a home that belongs to another user is not where Nix looks', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'home-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(nixHome({ HOME: folder }), folder);
  assert.equal(nixHome({ HOME: join(folder, 'missing') }), join(folder, 'missing'));
  // a folder of root's, and as root one that is given away
  const foreign = process.geteuid?.() === 0 ? join(folder, 'given') : '/';
  if (foreign !== '/') {
    await mkdir(foreign);
    await chown(foreign, 12345, 12345);
  }
  assert.equal(nixHome({ HOME: foreign }), userInfo().homedir);
  assert.deepEqual(userConfFiles({ HOME: folder, XDG_CONFIG_DIRS: '/x' }), [
    join(folder, '.config/nix/nix.conf'),
    '/x/nix/nix.conf',
  ]);
  assert.deepEqual(
    userConfFiles({ NIX_CONFIG_HOME: '/n', XDG_CONFIG_HOME: '/c', XDG_CONFIG_DIRS: '/x' }),
    ['/n/nix.conf', '/x/nix/nix.conf'],
  );
});

test('broken settings are told by file and line, and never with what stands there', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'broken-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'nix'));
  const file = join(folder, 'nix.conf');
  await writeFile(file, 'cores = 1\naccess-tokens github.com=hunter2\nmax-jobs = many\n');
  const env = { NIX_CONF_DIR: folder, NIX_CONFIG: '\ninclude /missing' };
  const told = async (said: string) => (await brokenSettings('/bin', said, env)).message;
  const old = `error: illegal configuration line 'access-tokens github.com=hunter2' in '${file}'`;
  assert.equal(
    await told(`warning: something\n${old}\nTry 'nix --help' for more information.\n`),
    'The Nix in /bin is there, but its settings are broken: ' +
      `${file}, line 2: this is no line of the form "name = value".`,
  );
  const missing = 'error: file "/missing" included from "NIX_CONFIG" not found';
  assert.match(await told(missing), /: NIX_CONFIG, line 2: the file \/missing is to be included/);
  const value = "error: configuration setting 'max-jobs' should be 'auto' or an integer";
  assert.match(
    await told(value),
    /nix\.conf, line 3: max-jobs has a value that Nix does not take\.$/,
  );
  const enumerated = "error: option 'sandbox' has invalid value 'hunter2'";
  assert.match(await told(enumerated), /are broken: sandbox has a value that Nix does not take\.$/);
  for (const said of [old, missing, value, enumerated, 'Segmentation fault', '']) {
    assert.doesNotMatch(await told(said), /hunter2/);
  }
});

test('a line means a setting by its name, by an alias, or adds to it', () => {
  const conf = effectiveConf({
    substituters: { value: [], defaultValue: [], aliases: ['binary-caches'] },
    'extra-platforms': { value: [], defaultValue: [] },
  });
  assert.deepEqual(conf.meant('binary-caches'), { name: 'substituters', adds: false });
  assert.deepEqual(conf.meant('extra-substituters'), { name: 'substituters', adds: true });
  assert.deepEqual(conf.meant('extra-platforms'), { name: 'extra-platforms', adds: false });
  assert.equal(conf.meant('toString'), undefined);
  assert.equal(conf.knows('toString'), false);
});

test("what is no table of settings is a failure that does not quote Nix's answer", () => {
  for (const text of ['{"access-tokens": "hunter2"}', '[1]', 'null', '{"hunter2', '']) {
    assert.throws(
      () => parseSettings(text),
      (error: Error) => error.name === 'Failure' && !error.message.includes('hunter2'),
    );
  }
});
