import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  buildSomething,
  install,
  installAsUser,
  listNix,
  release,
  succeeded,
  withoutNix,
  withoutNixAt,
  withUser,
} from './install-bench.ts';

/** Machines that are not as machines are, where Nix can be all the same. */

const installed = install({ settings: release });

describe('a store folder that cannot be one', () => {
  const refused = async (script: string) => {
    const { code, stdout, stderr } = await withoutNix(`${script}
      ${installed}; echo $?; ls -A /nix 2>/dev/null`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^1\n/);
    return { stdout, stderr };
  };

  it('a link is told before anything is unpacked, as Nix would tell it', async () => {
    // a root of its own, in which all is the machine's but for /nix
    const { code, stdout, stderr } = await withoutNix(`set -e; cd /run/with-nix; mkdir real root
      for each in /*; do
        if [ "$each" = /nix ] || [ ! -d "$each" ] || [ -L "$each" ]; then continue; fi
        mkdir "root$each"; mount --rbind "$each" "root$each"
      done
      for each in bin lib lib64 sbin; do if [ -L /$each ]; then cp -P /$each root/$each; fi; done
      ln -s /run/with-nix/real root/nix; set +e
      chroot root ${installed}; echo $?; ls -A real`);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '1\n', 'nothing is in it');
    assert.match(
      stderr,
      /^\/nix is a link to \/run\/with-nix\/real, and Nix takes no store behind/,
    );
    assert.match(stderr, /mount --bind/);
  });

  it('a store that is a link, one that can only be read, and one whose parent can', async () => {
    const link = await refused('mkdir /run/with-nix/real; ln -s /run/with-nix/real /nix/store');
    assert.match(link.stderr, /^\/nix\/store is a link/);
    const empty = await refused('mount -o remount,ro /nix');
    assert.match(empty.stderr, /^\/nix is on a file system that can only be read\./);
    const full = await refused('mkdir -p /nix/store /nix/var/nix; mount -o remount,ro /nix');
    assert.match(full.stderr, /^\/nix is on a file system that can only be read\./);
    assert.doesNotMatch(full.stderr, /remove \/nix/);
  });
});

describe('modes, users and programs', { concurrency: false }, () => {
  it('umask 077 leaves no folder or file that others cannot read', async () => {
    const closed = `find /nix /etc/nix ! -type l ! -perm -o=r -printf '%m %p\n' | grep -v reserved`;
    const script = `umask 077; ${installed}; echo "--"; ${closed}`;
    const said = succeeded(await withoutNix(`${script}; true`));
    // the lock is nobody else's, nor are Nix's own locks
    const others = said.slice(said.indexOf('--\n') + 3).split('\n');
    assert.deepEqual(
      others.filter(line => line !== '' && !/lock$/.test(line)),
      [],
    );
  });

  it('as a user with sudo and umask 077, others can read the settings too', async () => {
    const script = `${withUser}; umask 077; ${installAsUser()}; stat -c '%a %n' /nix/store /etc/nix/nix.conf`;
    const said = succeeded(await withoutNix(script));
    assert.match(said, /^755 \/nix\/store$/m);
    assert.match(said, /^644 \/etc\/nix\/nix\.conf$/m);
  });

  it('without the program install, as root', async () => {
    const script = `mountpoint -q /usr/bin && rm /usr/bin/install; ! command -v install || exit 9
      ${installed}; ${buildSomething}`;
    assert.match(succeeded(await withoutNix(script)), /^\/nix\/store\/\w{32}-proof$/m);
  });

  it('as a user whose number has no account, in a /nix that is its own', async () => {
    const script = `${withUser}; chown 54321 /nix "$PWD"
      as_user() { setpriv --reuid 54321 --regid 54321 --clear-groups env HOME="$PWD" PATH=/usr/bin:/bin "$@"; }
      printf 'sandbox = false\n' >/etc/nix/nix.conf
      ${installAsUser()}; stat -c %u /nix/store; as_user bash -c "$1"`;
    const said = succeeded(await withoutNix(script, buildSomething));
    assert.match(said, /^54321$/m);
    assert.match(said, /^\/nix\/store\/\w{32}-proof$/m);
  });

  it('a temporary folder that is gone is one sentence', async () => {
    const { code, stderr } = await withoutNix(`TMPDIR=/gone ${installed}`);
    assert.equal(code, 1);
    assert.match(stderr, /^No temporary folder can be made in \/gone: it is not there\.\n/);
    assert.doesNotMatch(stderr, /^ +at /m, 'a stack');
  });

  it("the company's certificates are those that Nix gets", async () => {
    const script = `cp /etc/ssl/certs/ca-certificates.crt /run/with-nix/company.crt
      unset NIX_SSL_CERT_FILE; SSL_CERT_FILE=/run/with-nix/company.crt ${installed}`;
    const { exports } = JSON.parse(succeeded(await withoutNix(script)));
    assert.equal(exports.env.NIX_SSL_CERT_FILE, '/run/with-nix/company.crt');
  });
});

describe('two containers that install into one store', () => {
  it('at the same time both succeed; nothing is left of either but the store', async t => {
    const nix = await mkdtemp(join(tmpdir(), 'shared-nix-'));
    t.after(() => rm(nix, { recursive: true, force: true }));
    // what a killed run of a process that is there again here has left
    await mkdir(join(nix, 'store/.comfy-nix-1'), { recursive: true });
    const inContainer = `unshare --pid --fork --mount-proc ${installed}`;
    const both = await Promise.all([1, 2].map(() => withoutNixAt(nix, inContainer)));
    for (const each of both) assert.equal(JSON.parse(succeeded(each)).origin, 'release');
    const left = (await readdir(join(nix, 'store'))).filter(name => name.startsWith('.comfy-nix'));
    assert.deepEqual(left, []);
    const verify = 'nix-store --verify --check-contents';
    const check = `export NIX_CONFIG='build-users-group ='
      /nix/var/nix/profiles/default/bin/${verify} && ${buildSomething}`;
    assert.match(succeeded(await withoutNixAt(nix, check)), /-proof$/m);
    const alone = succeeded(await withoutNix(`${installed} >&2; ${listNix}`));
    const list = `rm -rf /nix/store/*-proof* /nix/var/log; ${listNix}`;
    const names = (text: string) => text.split('\n').map(line => line.split(' ')[0]);
    const missing = new Set(names(alone)).difference(
      new Set(names(succeeded(await withoutNixAt(nix, list)))),
    );
    assert.deepEqual([...missing], []);
  });
});
