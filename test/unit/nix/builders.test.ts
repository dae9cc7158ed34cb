import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import type { Command } from '../../../src/host/process.ts';
import { builderText, parseBuilders, withKeys } from '../../../src/nix/builder-machines.ts';
import { aliasConfig, prepareBuilders, sshConfig } from '../../../src/nix/builders.ts';
import { quietHost } from '../../tools/host.ts';

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\r\nsecret\r\n-----END OPENSSH PRIVATE KEY-----';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'builders-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const inRun = (directory: string) => ({
  caller: 'run' as const,
  directory,
  keyFile: join(directory, 'builder-key'),
  owner: { id: 'job-0123456789abcdef', job: directory },
});

/** A machine whose ssh knows the host keys of `known`. */
function hostThatKnows(known: readonly string[], env: Host['env'] = {}) {
  const commands: Command[] = [];
  const host = quietHost({
    env,
    run: async command => {
      commands.push(command);
      const { file, args } = command;
      const config = 'hostname b.example\nport 2222\nuserknownhostsfile ~/.ssh/known_hosts\n';
      if (file === 'ssh') return { code: 0, stdout: config, stderr: '' };
      const stdout = `# Host found: line 1\n|1|a= ssh-ed25519 AAAA\n`;
      return { code: known.includes(args[1] ?? '') ? 0 : 1, stdout, stderr: '' };
    },
  });
  return { host, commands };
}

const textOf = (builders: string) => parseBuilders(builders).map(builderText);

test('machines stand on lines or between semicolons, and comments are no machines', () => {
  const lines = '# ours\nssh-ng://a x86_64-linux;  ssh://b\taarch64-linux - 4 # fast\n\n;';
  assert.deepEqual(textOf(lines), ['ssh-ng://a x86_64-linux', 'ssh://b aarch64-linux - 4']);
  assert.deepEqual(parseBuilders(' \n'), []);
});

test('a port becomes part of a name, and the rest of the address stays', () => {
  const [builder] = parseBuilders('ssh-ng://nix@b.example:2222?compress=true x86_64-linux');
  assert.equal(builder?.uri, 'ssh-ng://nix@b.example-2222?compress=true');
  assert.deepEqual(builder?.ssh, {
    uri: 'ssh-ng://nix@b.example:2222?compress=true',
    alias: 'b.example-2222',
    host: 'b.example',
    port: 2222,
    ownKey: false,
    ownHostKey: false,
  });
  assert.deepEqual(textOf('ssh-ng://nix@[::1]:22'), ['ssh-ng://nix@..1-22']);
});

test('what needs no configuration of ssh is handed on as it is', () => {
  const others = '@/etc/nix/machines;local?root=/x x86_64-linux;unix:///run/socket';
  assert.deepEqual(textOf(others), others.split(';'));
  assert.ok(parseBuilders(others).every(({ ssh }) => ssh === undefined));
  // Nix reads a bare name as an address for ssh
  assert.deepEqual(textOf('nix@mac'), ['ssh://nix@mac']);
});

test('an address that could be taken for an option, or is none, is refused', () => {
  const wrong = ['ssh-ng://-v', 'ssh-ng://-v@h', 'ssh-ng://u@*', 'ssh://h:port', 'ssh://u@@h'];
  for (const uri of wrong) assert.throws(() => parseBuilders(uri), Failure, uri);
});

test('keys and host keys that a machine names itself are seen', () => {
  const [own, without] = parseBuilders('ssh://a x /k 1 1 - - c3No;ssh://b x - 1 1 - - -');
  assert.deepEqual([own?.ssh?.ownKey, own?.ssh?.ownHostKey], [true, true]);
  assert.deepEqual([without?.ssh?.ownKey, without?.ssh?.ownHostKey], [false, false]);
});

test('the configuration checks host keys, and leaves a machine its own key', () => {
  const addresses = parseBuilders('ssh://a:7 x /own;ssh://b').flatMap(({ ssh }) => ssh ?? []);
  const lines = sshConfig(addresses, '/p/key', '/p/known').split('\n');
  assert.deepEqual(lines.slice(0, 9), [
    'Host a-7',
    '  HostName a',
    '  Port 7',
    '  HostKeyAlias [a]:7',
    'Host b',
    '  IdentityFile /p/key',
    '  IdentitiesOnly yes',
    'Host *',
    '  StrictHostKeyChecking yes',
  ]);
  assert.ok(lines.includes('  UserKnownHostsFile /p/known'));
  assert.ok(!sshConfig(addresses, undefined, undefined).includes('KnownHostsFile'));
});

test('key and known hosts go to files that only this user can read', async t => {
  const folder = await folderOf(t);
  const { host, commands } = hostThatKnows(['[b.example]:2222'], { NIX_SSHOPTS: '-4' });
  const settings = { builders: 'ssh-ng://b.example:2222', sshKey: key, knownHosts: 'b ssh-rsa A' };
  const { conf, env } = await prepareBuilders(settings, inRun(folder), host);
  assert.deepEqual(conf, ['builders = ssh-ng://b.example-2222', 'builders-use-substitutes = true']);
  assert.deepEqual(env, { NIX_SSHOPTS: `-4 -F ${folder}/builder-ssh-config` });
  const keyFile = join(folder, 'builder-key');
  assert.equal(await readFile(keyFile, 'utf8'), `${key.replaceAll('\r', '')}\n`);
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
  assert.equal(await readFile(join(folder, 'builder-known-hosts'), 'utf8'), 'b ssh-rsa A\n');
  assert.ok(!JSON.stringify([commands, conf, env]).includes('secret'));
});

test('a daemon is told key and host key in the line, which leaves it nothing to look up', async t => {
  const folder = await folderOf(t);
  const { host } = hostThatKnows(['[b.example]:2222']);
  const places = { ...inRun(folder), caller: 'daemon' as const };
  const settings = { builders: 'ssh-ng://b.example x86_64-linux - 4', sshKey: key };
  const { conf, env } = await prepareBuilders(settings, places, host);
  const hostKey = Buffer.from('ssh-ed25519 AAAA').toString('base64');
  const line = `ssh-ng://b.example x86_64-linux ${folder}/builder-key 4 - - - ${hostKey}`;
  assert.equal(conf[0], `builders = ${line}`);
  assert.deepEqual(env, {});
  const named = { builders: 'ssh-ng://mine', sshKey: key };
  await assert.rejects(prepareBuilders(named, places, host), {
    message: 'The builder ssh-ng://mine has another name in ~/.ssh/config: b.example.',
  });
});

test('what a machine names itself stays', () => {
  const own = 'ssh://a x /own 1 1 - - c3No';
  const [machine] = parseBuilders(own);
  assert.ok(machine);
  assert.equal(builderText(withKeys(machine, '/other', 'b3RoZXI=')), own);
});

test('entries for ssh are about names with a port alone', () => {
  const addresses = parseBuilders('ssh://a:7;ssh://b').flatMap(({ ssh }) => ssh ?? []);
  const lines = aliasConfig(addresses).split('\n');
  assert.deepEqual(lines.slice(0, 4), [
    'Host a-7',
    '  HostName a',
    '  Port 7',
    '  HostKeyAlias a-7',
  ]);
  assert.ok(!lines.some(line => /Host b|\*|IdentityFile/.test(line)));
});

test('without known hosts, those of the user count, and an unknown machine is refused', async t => {
  const folder = await folderOf(t);
  const settings = { builders: 'ssh-ng://b.example:2222 x86_64-linux' };
  const { host, commands } = hostThatKnows(['[b.example]:2222'], { HOME: '/home/u' });
  await prepareBuilders(settings, inRun(folder), host);
  assert.equal(commands.at(-1)?.args.at(-1), '/home/u/.ssh/known_hosts');
  await assert.rejects(prepareBuilders(settings, inRun(folder), hostThatKnows([]).host), {
    name: 'Failure',
    message: 'The host key of the builder ssh-ng://b.example:2222 is not known.',
  });
});

test('what is no private key is refused, and not shown', async t => {
  const folder = await folderOf(t);
  const settings = { builders: 'ssh://b.example', sshKey: 'ssh-ed25519 AAAA' };
  await assert.rejects(
    prepareBuilders(settings, inRun(folder), hostThatKnows([]).host),
    (error: unknown) =>
      error instanceof Failure && !JSON.stringify([error.message, error.details]).includes('AAAA'),
  );
});

test('no builders need nothing', async () => {
  const prepared = await prepareBuilders(
    { builders: '\n' },
    inRun('/nowhere'),
    hostThatKnows([]).host,
  );
  assert.deepEqual(prepared, { conf: [], env: {} });
});
