import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { patience } from '../../../src/host/limits.ts';
import type { Command } from '../../../src/host/process.ts';
import { credentialsElsewhere, findLogin } from '../../../src/registry/credentials.ts';
import { hostWithPrograms, quietHost } from '../../tools/host.ts';

const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
/** A home with Docker's config.json, and with the auth.json of podman. */
function home(docker: unknown, podman?: unknown): Record<string, string> {
  const path = join(folder, String(count++));
  mkdirSync(join(path, '.docker'), { recursive: true });
  mkdirSync(join(path, 'run/containers'), { recursive: true });
  const text = typeof docker === 'string' ? docker : JSON.stringify(docker);
  writeFileSync(join(path, '.docker/config.json'), text);
  if (podman) writeFileSync(join(path, 'run/containers/auth.json'), JSON.stringify(podman));
  return { HOME: path, XDG_RUNTIME_DIR: join(path, 'run') };
}

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const ghcr = { registry: 'ghcr.io', repository: 'o/x' };
const hub = { registry: 'docker.io', repository: 'library/debian' };
const login = (username: string, password: string) => ({ kind: 'password', username, password });

describe('the login for a registry', () => {
  test('what is given, then the files, then the token of the job on ghcr.io', async () => {
    const env = home({ auths: { 'https://ghcr.io': auth('a:b:c') } });
    const given = { username: 'u', password: 'p', githubToken: 't' };
    const host = quietHost({ env });
    assert.deepEqual(await findLogin(ghcr, given, host), login('u', 'p'));
    assert.deepEqual(await findLogin(ghcr, { githubToken: 't' }, host), login('a', 'b:c'));
    const bare = quietHost({ env: { HOME: folder, GITHUB_ACTOR: 'octo' } });
    assert.deepEqual(await findLogin(ghcr, { githubToken: 't' }, bare), login('octo', 't'));
    assert.equal(await findLogin(hub, { githubToken: 't' }, bare), undefined);
    assert.equal(await findLogin(ghcr, { username: 'u', password: '' }, bare), undefined);
  });

  test("the job's token goes to the registry of the GitHub that runs the job, and to no other", async () => {
    const given = { githubToken: 't' };
    const at = (registry: string) => ({ registry, repository: 'o/x' });
    for (const server of ['octo.ghe.com', 'git.example']) {
      const env = { HOME: folder, GITHUB_ACTOR: 'octo', GITHUB_SERVER_URL: `https://${server}` };
      const host = quietHost({ env });
      assert.equal(await findLogin(ghcr, given, host), undefined);
      assert.equal(await findLogin(at(server), given, host), undefined);
      const own = at(`containers.${server}`);
      assert.deepEqual(await findLogin(own, given, host), login('octo', 't'));
    }
    const elsewhere = quietHost({ env: { HOME: folder } });
    assert.equal(await findLogin(at('containers.git.example'), given, elsewhere), undefined);
  });

  test('Docker Hub has its old name; podman keeps logins for parts of a registry', async () => {
    const env = home(
      { auths: { 'https://index.docker.io/v1/': auth('hub:1') } },
      { auths: { 'ghcr.io': auth('all:2'), 'ghcr.io/o': auth('part:3') } },
    );
    const host = quietHost({ env });
    assert.deepEqual(await findLogin(hub, {}, host), login('hub', '1'));
    assert.deepEqual(await findLogin(ghcr, {}, host), login('part', '3'));
    const other = { registry: 'ghcr.io', repository: 'other/x' };
    assert.deepEqual(await findLogin(other, {}, host), login('all', '2'));
  });

  test('a name and a password in clear count where there is no auth', async () => {
    const clear = { username: 'me', password: 'p:w' };
    const inFile = async (entry: unknown) =>
      findLogin(ghcr, {}, quietHost({ env: home({ auths: { 'ghcr.io': entry } }) }));
    assert.deepEqual(await inFile(clear), login('me', 'p:w'));
    assert.deepEqual(await inFile({ ...clear, auth: '' }), login('me', 'p:w'));
    assert.deepEqual(await inFile({ ...clear, ...auth('a:b') }), login('a', 'b'));
    assert.equal(await inFile({ username: 'me' }), undefined);
    assert.equal(await inFile({ username: 'me', password: 5 }), undefined);
  });

  test('a key may be an address with a path; without a scheme that is a part of the registry', async () => {
    const found = async (key: string) =>
      findLogin(ghcr, {}, quietHost({ env: home({ auths: { [key]: auth('a:b') } }) }));
    for (const key of [
      'https://ghcr.io',
      'https://ghcr.io/',
      'http://ghcr.io/v1/',
      'HTTPS://ghcr.io/v2',
    ]) {
      assert.deepEqual(await found(key), login('a', 'b'), key);
    }
    assert.deepEqual(await found('https://ghcr.io/v2/_catalog'), login('a', 'b'));
    assert.deepEqual(await found('ghcr.io/o'), login('a', 'b'));
    for (const other of [
      'ghcr.io/other',
      'https://ghcr.io.example/',
      'https://xghcr.io/',
      'https://',
    ]) {
      assert.equal(await found(other), undefined, other);
    }
    const both = { 'https://ghcr.io/v2/_catalog': auth('c:d'), 'ghcr.io': auth('a:b') };
    assert.deepEqual(
      await findLogin(ghcr, {}, quietHost({ env: home({ auths: both }) })),
      login('a', 'b'),
    );
  });

  test('a file that begins with the mark of an editor is read', async () => {
    const text = `\uFEFF${JSON.stringify({ auths: { 'ghcr.io': auth('a:b') } })}`;
    const host = quietHost({ env: home(text) });
    assert.deepEqual(await findLogin(ghcr, {}, host), login('a', 'b'));
    assert.deepEqual(host.warnings, []);
  });

  test('identity tokens are told apart', async () => {
    const env = home({ auths: { 'ghcr.io': { ...auth('<token>:'), identitytoken: 'refresh' } } });
    assert.deepEqual(await findLogin(ghcr, {}, quietHost({ env })), {
      kind: 'identity-token',
      token: 'refresh',
    });
  });

  test('a helper gets the registry on its standard input', async () => {
    const env = home({ credHelpers: { 'ghcr.io': 'vault' }, credsStore: 'desktop' });
    const commands: Command[] = [];
    const run = async (command: Command) => {
      commands.push(command);
      const answer = { ServerURL: 'x', Username: 'h', Secret: command.file };
      return { code: 0, stdout: JSON.stringify(answer), stderr: '' };
    };
    const host = quietHost({ env, run });
    assert.deepEqual(await findLogin(ghcr, {}, host), login('h', 'docker-credential-vault'));
    assert.deepEqual(await findLogin(hub, {}, host), login('h', 'docker-credential-desktop'));
    assert.deepEqual(
      commands.map(({ args, stdin }) => [...args, stdin]),
      [
        ['get', 'ghcr.io'],
        ['get', 'https://index.docker.io/v1/'],
      ],
    );
  });

  test('a helper that has nothing is no reason to warn, one that fails is', async () => {
    const env = home({ credsStore: 'desktop' });
    const missing = 'credentials not found in native keychain\n';
    const nothing = quietHost({ env, run: async () => ({ code: 1, stdout: missing, stderr: '' }) });
    assert.equal(await findLogin(ghcr, {}, nothing), undefined);
    assert.deepEqual(nothing.warnings, []);
    const failing = quietHost({ env, run: async () => ({ code: 1, stdout: 'x', stderr: '' }) });
    assert.equal(await findLogin(ghcr, {}, failing), undefined);
    assert.match(failing.warnings[0] ?? '', /docker-credential-desktop failed with exit code 1/);
    const absent = quietHost({ env });
    assert.equal(await findLogin(ghcr, {}, absent), undefined);
    assert.equal(absent.warnings.length, 1);
  });

  test('entries that hold no login are passed over, whatever they hold', async () => {
    for (const odd of [null, [], 5, 'x', { auth: 5 }, { auth: '!' }, { identitytoken: {} }]) {
      const files = { auths: { 'ghcr.io': odd, 'https://ghcr.io': auth('a:b') }, credsStore: odd };
      const host = quietHost({ env: home(files) });
      assert.deepEqual(await findLogin(ghcr, {}, host), login('a', 'b'));
      for (const name of ['auths', 'credHelpers', 'credsStore']) {
        const broken = quietHost({ env: home({ [name]: odd }) });
        assert.equal(await findLogin(ghcr, {}, broken), undefined, `${name}: ${odd}`);
      }
    }
  });

  test('a helper is a program of its name, and not a file somewhere', async () => {
    for (const name of ['../../tmp/x', '/tmp/x', 'a b', '', 'x\u0000']) {
      const env = home({ credHelpers: { 'ghcr.io': name }, credsStore: name });
      assert.equal(await findLogin(ghcr, {}, quietHost({ env })), undefined, 'nothing was run');
    }
  });

  test('what a helper says in vain is warned of, and not told', async () => {
    const env = home({ credsStore: 'desktop' });
    for (const stdout of [
      'null',
      '[]',
      '{"Secret":5}',
      '{"Username":{},"Secret":"secret"}',
      'secret',
    ]) {
      const host = quietHost({ env, run: async () => ({ code: 0, stdout, stderr: '' }) });
      assert.equal(await findLogin(ghcr, {}, host), undefined);
      assert.match(host.warnings[0] ?? '', /desktop did not answer in JSON/);
      assert.doesNotMatch(host.warnings.join(), /secret/);
    }
  });

  test('a file that never ends is not read to its end', async () => {
    const folder = home('{}').HOME ?? '';
    const env = { HOME: folder, REGISTRY_AUTH_FILE: '/dev/zero' };
    const host = quietHost({ env });
    assert.equal(await findLogin(ghcr, {}, host), undefined);
    assert.match(host.warnings[0] ?? '', /\/dev\/zero is larger than 1 MB/);
  });

  test('the files of Docker, of a variable, of the session and of the user, in this order', async () => {
    const place = join(folder, 'files');
    const files = {
      docker: join(place, 'docker/config.json'),
      named: join(place, 'named.json'),
      session: join(place, 'session/containers/auth.json'),
      user: join(place, 'config/containers/auth.json'),
      home: join(place, 'home/.config/containers/auth.json'),
    };
    const write = (name: keyof typeof files) => {
      mkdirSync(dirname(files[name]), { recursive: true });
      writeFileSync(files[name], JSON.stringify({ auths: { 'ghcr.io': auth(`${name}:x`) } }));
    };
    const env = {
      HOME: join(place, 'home'),
      DOCKER_CONFIG: join(place, 'docker'),
      REGISTRY_AUTH_FILE: files.named,
      XDG_RUNTIME_DIR: join(place, 'session'),
      XDG_CONFIG_HOME: join(place, 'config'),
    };
    for (const name of ['user', 'session', 'named', 'docker'] as const) {
      write(name);
      assert.deepEqual(await findLogin(ghcr, {}, quietHost({ env })), login(name, 'x'));
    }
    write('home');
    const few = { HOME: env.HOME };
    assert.deepEqual(await findLogin(ghcr, {}, quietHost({ env: few })), login('home', 'x'));
  });

  test('a file that is not there is no reason to warn, one that cannot be read is', async () => {
    const env = { HOME: '/dev/null', REGISTRY_AUTH_FILE: folder };
    const host = quietHost({ env });
    assert.equal(await findLogin(ghcr, {}, host), undefined);
    assert.deepEqual(host.warnings, [
      `${folder} cannot be read (EISDIR); its logins are not used.`,
    ]);
  });

  test('names of registries are compared as Docker does', async () => {
    for (const key of [
      'ghcr.io',
      'http://ghcr.io',
      'https://ghcr.io/',
      'ghcr.io/v1/',
      'ghcr.io/v2',
    ]) {
      const env = home({ auths: { [key]: auth('a:b') } });
      assert.deepEqual(await findLogin(ghcr, {}, quietHost({ env })), login('a', 'b'), key);
    }
    for (const key of ['ghcr.io/v3', 'xghcr.io', 'ghcr.io.x', 'ftp://ghcr.io', 'ghcr.io/o/x/y']) {
      const env = home({ auths: { [key]: auth('a:b') } });
      assert.equal(await findLogin(ghcr, {}, quietHost({ env })), undefined, key);
    }
    for (const key of [
      'docker.io',
      'index.docker.io',
      'registry-1.docker.io',
      'docker.io/library',
    ]) {
      const env = home({ auths: { [key]: auth('a:b') } });
      assert.deepEqual(await findLogin(hub, {}, quietHost({ env })), login('a', 'b'), key);
    }
    const podman = home({
      auths: { 'ghcr.io': auth('a:b') },
      credHelpers: { 'ghcr.io/o/x': 'own' },
    });
    const run = async ({ file }: Command) => ({
      code: 0,
      stdout: JSON.stringify({ Username: file, Secret: 's' }),
      stderr: '',
    });
    const helped = await findLogin(ghcr, {}, quietHost({ env: podman, run }));
    assert.deepEqual(helped, login('docker-credential-own', 's'), 'a helper comes first');
  });

  test('a user name where none is given is that of who started the job', async () => {
    const given = { password: 'p' };
    const bare = { HOME: folder };
    assert.deepEqual(await findLogin(ghcr, given, quietHost({ env: bare })), login('token', 'p'));
    const env = { ...bare, GITHUB_ACTOR: 'octo' };
    assert.deepEqual(await findLogin(ghcr, given, quietHost({ env })), login('octo', 'p'));
    const token = { githubToken: 't' };
    assert.deepEqual(await findLogin(ghcr, token, quietHost({ env: bare })), login('token', 't'));
  });

  test('what a login file holds for a user', async () => {
    const found = async (entry: object) =>
      findLogin(ghcr, {}, quietHost({ env: home({ auths: { 'ghcr.io': entry } }) }));
    assert.deepEqual(
      await found(auth('a:b\0\0')),
      login('a', 'b'),
      'as old versions of Docker did',
    );
    assert.deepEqual(await found(auth(':b')), login('', 'b'));
    assert.deepEqual(await found({ ...auth('a:b'), identitytoken: '' }), login('a', 'b'));
    assert.equal(await found(auth('no colon')), undefined);
    assert.equal(await found({}), undefined);
  });

  test('a helper answers with a login, a token, or that it has none', async () => {
    const env = home({ credsStore: 'desktop' });
    const answered = async (answer: object | string) => {
      const stdout = typeof answer === 'string' ? answer : JSON.stringify(answer);
      const host = quietHost({ env, run: async () => ({ code: 0, stdout, stderr: '' }) });
      return [await findLogin(ghcr, {}, host), ...host.warnings];
    };
    assert.deepEqual(await answered({ Username: 'a', Secret: 's' }), [login('a', 's')]);
    const token = { kind: 'identity-token', token: 's' };
    assert.deepEqual(await answered({ Username: '<token>', Secret: 's' }), [token]);
    assert.deepEqual(await answered({ Username: 'a', Secret: '' }), [undefined]);
    assert.deepEqual(await answered({}), [undefined]);
    const odd = 'docker-credential-desktop did not answer in JSON; its logins are not used.';
    const padding = ' '.repeat((1 << 20) - 2);
    assert.deepEqual(await answered(`{}${padding}`), [undefined]);
    assert.deepEqual(await answered(`{}${padding} `), [undefined, odd]);
  });

  test('an interrupt while a helper is asked ends the run', async () => {
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const run = async () => {
      interrupt.abort(reason);
      throw reason;
    };
    const env = home({ credsStore: 'desktop' });
    const host = quietHost({ env, run, signal: interrupt.signal });
    await assert.rejects(findLogin(ghcr, {}, host), reason);
    assert.deepEqual(host.warnings, []);
  });

  test('a file of logins may have a megabyte', async () => {
    const text = JSON.stringify({ auths: { 'ghcr.io': auth('a:b') } });
    const largest = text.padEnd(1 << 20);
    assert.deepEqual(await findLogin(ghcr, {}, quietHost({ env: home(largest) })), login('a', 'b'));
    const host = quietHost({ env: home(`${largest} `) });
    assert.equal(await findLogin(ghcr, {}, host), undefined);
    assert.equal(host.warnings.length, 1);
  });

  test('a damaged file is warned of without its content', async () => {
    const host = quietHost({ env: home('{"auths": secret') });
    assert.equal(await findLogin(ghcr, {}, host), undefined);
    assert.match(host.warnings[0] ?? '', /config\.json is not valid JSON/);
    assert.doesNotMatch(host.warnings[0] ?? '', /secret/);
  });
});

test('credentials for one registry are not shown to another', () => {
  const given = { username: 'user', password: 'secret', githubToken: 'token' };
  const elsewhere = (registry: string) =>
    credentialsElsewhere(given, { registry: 'registry.example.org' }, { registry });
  assert.deepEqual(elsewhere('registry.example.org'), given);
  const tokenOnly = { anonymous: undefined, githubToken: 'token' };
  assert.deepEqual(elsewhere('registry.example'), tokenOnly, 'one name that begins with another');
  assert.deepEqual(elsewhere('ghcr.io'), tokenOnly);
  const local = credentialsElsewhere(given, undefined, { registry: 'registry.example' });
  assert.deepEqual(local, given, 'what stays here is no registry to protect them from');
});

test('code from a fork is anonymous, whatever login the machine has', async () => {
  const host = quietHost();
  const env = { ...host.env, GITHUB_ACTOR: 'somebody' };
  const reference = { registry: 'ghcr.io', repository: 'o/comfy' };
  const given = { anonymous: true, githubToken: 'token' };
  assert.equal(await findLogin(reference, given, { ...host, env }), undefined);
});

test('a helper that never answers is ended and named; the run goes on without its login', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const env = { ...home({ credsStore: 'stuck' }), PATH: `${folder}:${process.env.PATH}` };
  const started = join(folder, 'started');
  const script = `#!/bin/sh\n: >${started}\nexec sleep 60\n`;
  writeFileSync(join(folder, 'docker-credential-stuck'), script, { mode: 0o755 });
  const host = hostWithPrograms(env);
  const finding = findLogin(ghcr, {}, host);
  while (!existsSync(started)) await new Promise(resolve => setImmediate(resolve));
  t.mock.timers.tick(patience.credentialHelper);
  assert.equal(await finding, undefined);
  assert.deepEqual(host.warnings, [
    'Waited 30 s for docker-credential-stuck to give a login, in vain; its logins are not used.',
  ]);
});
