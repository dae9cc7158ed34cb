import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  buildSomething,
  install,
  installAsUser,
  listNix,
  quoted,
  release,
  sha256,
  succeeded,
  tarball,
  version,
  withoutNix,
  withUser,
} from './install-bench.ts';
import type { DriverArguments } from './install-driver.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'install-test-'));
});

after(() => rm(folder, { recursive: true, force: true }));

/** The same for another tarball, whose checksum is taken when the script is at it. */
function installWithItsChecksum(file: string): string {
  const url = pathToFileURL(file).href;
  const settings = { ...release, nixReleaseUrl: url, nixReleaseSha256: 'SUM' };
  return `sum=$(sha256sum <${quoted(file)}); sum=\${sum%% *}
    ${install({ settings }).replace('SUM', "'$sum'")}`;
}

/** A port of this machine on which nothing listens any more. */
function closedPort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

describe('installing the release', { concurrency: false }, () => {
  it('as root, without build users and without systemd', async () => {
    const script = `set -e; ${install({ settings: release })}; cat /etc/nix/nix.conf
      ${buildSomething}
      /nix/var/nix/profiles/default/bin/nix-store --verify --check-contents`;
    const said = succeeded(await withoutNix(script));
    const result = JSON.parse(said.split('\n')[0] ?? '');
    assert.equal(result.origin, 'release');
    assert.equal(result.version, version);
    assert.deepEqual(result.exports.path, ['/nix/var/nix/profiles/default/bin']);
    assert.match(result.exports.env.NIX_SSL_CERT_FILE, /^\//);
    assert.match(said, /^experimental-features = nix-command flakes$/m);
    assert.doesNotMatch(said, /^max-jobs/m, 'the limits by memory apply');
    assert.match(said, /^build-users-group =$/m);
    assert.match(said, /^\/nix\/store\/\w{32}-proof$/m);
  });

  it('a second time finds it, and changes nothing', async () => {
    const script = `set -e; ${install({ settings: release })}; ${listNix} >"$1"
      ${install({ settings: release })}; ${listNix} | diff "$1" -`;
    const said = succeeded(await withoutNix(script, join(folder, 'second')));
    assert.equal(JSON.parse(said.split('\n')[1] ?? '').origin, 'found');
  });

  it('as a user with sudo, who then owns the store', async () => {
    const script = `${withUser}; ${installAsUser()}
      stat -c '%U' /nix /nix/store; cat /etc/nix/nix.conf; as_user bash -c "$1"`;
    const said = succeeded(await withoutNix(script, buildSomething));
    assert.equal(JSON.parse(said.split('\n')[0] ?? '').origin, 'release');
    assert.match(said, /^nobody\nnobody$/m);
    assert.doesNotMatch(said, /build-users-group/);
    assert.match(said, /^\/nix\/store\/\w{32}-proof$/m);
  });

  it('as a user without sudo says which command needs root', async () => {
    const script = `${withUser}; rm /usr/bin/sudo; ${installAsUser()}`;
    const { code, stderr } = await withoutNix(script);
    assert.equal(code, 1);
    assert.match(stderr, /needs root/);
    assert.match(stderr, /install -d -m 755 -o 65534 -g 65534 \/nix/);
  });

  it('without the privilege for namespaces says so and does without the sandbox', async () => {
    const script = `set -e
      setpriv --bounding-set -sys_admin --inh-caps -sys_admin ${install({ settings: release })}
      cat /etc/nix/nix.conf; setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
        /nix/var/nix/profiles/default/bin/nix-build --no-out-link --option substituters '' --expr '
          derivation { name = "proof"; system = builtins.currentSystem; builder = "/bin/sh";
            args = [ "-c" "echo built > $out" ]; }'`;
    const said = succeeded(await withoutNix(script));
    const [notice] = JSON.parse(said.split('\n')[0] ?? '').events;
    assert.match(notice.message, /without its sandbox/);
    assert.match(said, /^sandbox = false$/m);
    assert.match(said, /^\/nix\/store\/\w{32}-proof$/m);
  });

  it("leaves a user's nix.conf as it is and adds what is missing to NIX_CONFIG", async () => {
    const conf = '# mine\nmax-jobs = 3\nsubstituters =\n';
    const script = `set -e; printf %s "$1" >/etc/nix/nix.conf; export NIX_CONFIG='cores = 1'
      ${install({ settings: release })}; cat /etc/nix/nix.conf`;
    const [result = '', ...rest] = succeeded(await withoutNix(script, conf)).split('\n');
    assert.equal(rest.join('\n'), conf);
    const added = JSON.parse(result).exports.env.NIX_CONFIG.split('\n');
    assert.deepEqual(added, [
      'cores = 1',
      'build-users-group =',
      ...added.filter((line: string) => line.startsWith('sandbox-paths = /bin/sh=/nix/store/')),
    ]);
  });
});

describe('an installation that was killed', { concurrency: false }, () => {
  let clean = '';
  before(async () => {
    clean = succeeded(await withoutNix(`${install({ settings: release })} >&2; ${listNix}`));
  });

  const moments: [string, Omit<DriverArguments, 'settings'>, string][] = [
    ['before unpacking', { killBefore: 'tar' }, ''],
    ['after unpacking', { killAfter: 'tar' }, ''],
    [
      'while it moved paths into the store',
      { killAfter: 'tar' },
      'one=$(ls -d /nix/store/.comfy-nix-*/store/*-nix-*); chmod 755 "$one"; mv "$one" /nix/store/',
    ],
    ['before the database was loaded', { killBefore: 'nix-store' }, ''],
    ['before nix.conf was written', { killAfter: 'nix-store' }, ''],
    ['before the profile was linked', { killBefore: 'unshare' }, ''],
  ];
  for (const [moment, kill, then] of moments) {
    it(`${moment} ends in the same state when it is repeated`, async () => {
      const script = `${install({ settings: release, ...kill })}; [ $? = 137 ] || exit 9; ${then}
        ${install({ settings: release })} >&2 && ${listNix} && ${buildSomething} >&2`;
      assert.equal(succeeded(await withoutNix(script)), clean);
    });
  }
});

describe('a tarball that is not right', { concurrency: false }, () => {
  it('with another checksum is refused, and nothing of it is unpacked', async () => {
    const settings = { ...release, nixReleaseSha256: '0'.repeat(64) };
    const { code, stdout, stderr } = await withoutNix(`${install({ settings })} || ls -A /nix`);
    assert.equal(code, 0);
    assert.equal(stdout, '');
    assert.match(stderr, /checksum differs/);
    assert.match(stderr, new RegExp(sha256));
  });

  it('that is truncated is refused', async () => {
    const cut = join(folder, 'nix-9.9.9-x86_64-linux.tar.xz');
    const bytes = await readFile(tarball);
    await writeFile(cut, bytes.subarray(0, bytes.length / 2));
    const settings = { ...release, nixReleaseUrl: pathToFileURL(cut).href };
    const { code, stderr } = await withoutNix(install({ settings }));
    assert.equal(code, 1);
    assert.match(stderr, /checksum differs/);
  });

  it('that is damaged in spite of its checksum leaves no half of an installation', async () => {
    const cut = join(folder, 'cut.tar.xz');
    const script = `head -c 5000000 "$1" >"$2"
      ${installWithItsChecksum(cut)}
      echo $?; ls -A /nix/store`;
    const { stdout, stderr } = await withoutNix(script, tarball, cut);
    assert.equal(stdout, '1\n');
    assert.match(stderr, /could not be unpacked/);
  });

  it('of another layout is refused', async () => {
    const other = join(folder, 'other.tar.xz');
    const script = `mkdir -p "$1/x" && tar -C "$1" -cJf "$2" x
      ${installWithItsChecksum(other)}`;
    const { code, stderr } = await withoutNix(script, join(folder, 'other'), other);
    assert.equal(code, 1);
    assert.match(stderr, /layout of a Nix release/);
  });

  it('is unpacked by xz, which is named where it is missing', async () => {
    const { code, stderr } = await withoutNix(`rm /usr/bin/xz; ${install({ settings: release })}`);
    assert.equal(code, 1);
    assert.match(stderr, /needs xz/);
    assert.match(stderr, /xz-utils/);
  });
});

describe('without a way to the release server', () => {
  let unreachable = release;
  before(async () => {
    const nixReleaseUrl = `http://127.0.0.1:${await closedPort()}/nix-2.35.2-x86_64-linux.tar.xz`;
    unreachable = { ...release, nixReleaseUrl };
  });

  it('auto installs the distribution’s Nix', async () => {
    // A stand-in for apt-get: the distribution's programs are on the machine, hidden by with-nix.
    const script = `set -e; mkdir /run/with-nix/apt; apt=/run/with-nix/apt/apt-get
      printf '%s\\n' '#!/bin/sh' 'ln -sf -t /usr/bin /run/with-nix/hidden/usr/bin/nix*' >$apt
      chmod +x $apt; export PATH=/run/with-nix/apt:$PATH
      ${install({ settings: { ...unreachable, installNix: 'auto' } })}
      /usr/bin/nix-store --version; cat /etc/nix/nix.conf`;
    const said = succeeded(await withoutNix(script));
    const result = JSON.parse(said.split('\n')[0] ?? '');
    assert.equal(result.origin, 'system');
    assert.equal(result.bin, '/usr/bin');
    assert.match(result.events[0].message, /cannot be reached .*ECONNREFUSED/);
    assert.match(said, /^build-users-group =$/m);
  });

  it('release ends with the reason and the ways out', async () => {
    const { code, stderr } = await withoutNix(install({ settings: unreachable }));
    assert.equal(code, 1);
    assert.match(stderr, /could not be downloaded/);
    assert.match(stderr, /ECONNREFUSED/);
    assert.match(stderr, /nix-release-url/);
  });

  it('none says what was looked for', async () => {
    const { code, stderr } = await withoutNix(install({ settings: { installNix: 'none' } }));
    assert.equal(code, 1);
    assert.match(stderr, /No Nix 2\.8 or newer was found/);
  });
});
