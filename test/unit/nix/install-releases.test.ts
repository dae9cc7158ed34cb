import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { NixSettings } from '../../../src/nix/install/releases.ts';
import {
  parseSha256,
  pinnedVersions,
  planRelease,
  shownUrl,
} from '../../../src/nix/install/releases.ts';

const settings: NixSettings = { installNix: 'release' };
const sum = 'ab'.repeat(32);
const plan = (more: Partial<NixSettings>, system = 'x86_64-linux') =>
  planRelease({ ...settings, ...more }, system);

/** The failure of a call; fails itself when there is none. */
function failureOf(call: () => unknown): Failure {
  try {
    call();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  return assert.fail('it was accepted');
}

describe('which tarball', () => {
  it('is the newest that is pinned, from the official server', () => {
    const [newest] = pinnedVersions;
    const { url, version } = plan({}, 'aarch64-linux');
    const name = `nix-${newest}-aarch64-linux.tar.xz`;
    assert.equal(url.href, `https://releases.nixos.org/nix/nix-${newest}/${name}`);
    assert.equal(version, newest);
  });

  it('has the checksum of its version and system', () => {
    assert.equal(
      plan({ nixVersion: '2.35.2' }).sha256,
      // as SRI: sha256-DDlgqXkjMaIggcPHpdhGXbmxfFCzrN8YWH+kxvLLEVg=
      parseSha256('sha256-DDlgqXkjMaIggcPHpdhGXbmxfFCzrN8YWH+kxvLLEVg='),
    );
    assert.equal(
      plan({ nixVersion: '2.35.2' }, 'aarch64-linux').sha256,
      parseSha256('sha256-TQMCopEPXuwcM7je72NPBImadXN+cAHsSZCNADrl79o='),
    );
  });

  it('is taken from the mirror folder under its official name', () => {
    for (const folder of ['https://mirror.example/nix', 'https://mirror.example/nix/']) {
      const { url } = plan({ nixReleaseUrl: folder, nixVersion: '2.35.1' });
      assert.equal(url.href, 'https://mirror.example/nix/nix-2.35.1-x86_64-linux.tar.xz');
    }
    const { url } = plan({ nixReleaseUrl: 'file:///srv/nix', nixVersion: '2.35.1' });
    assert.equal(url.href, 'file:///srv/nix/nix-2.35.1-x86_64-linux.tar.xz');
  });

  it('is the one given, whose name tells the version and so the checksum', () => {
    const given = 'https://mirror.example/a/nix-2.34.7-x86_64-linux.tar.xz?token=t';
    const { url, version, sha256 } = plan({ nixReleaseUrl: given });
    assert.equal(url.href, given);
    assert.equal(version, '2.34.7');
    assert.equal(sha256, plan({ nixVersion: '2.34.7' }).sha256);
  });

  it('may have any name and version when its checksum is given', () => {
    const { sha256, version } = plan({
      nixReleaseUrl: 'file:///srv/build.tar.xz',
      nixReleaseSha256: sum.toUpperCase(),
    });
    assert.equal(sha256, sum);
    assert.equal(version, undefined);
    assert.equal(plan({ nixVersion: '3.0', nixReleaseSha256: sum }).sha256, sum);
  });

  it('without a known checksum is refused, with the ways to give one', () => {
    for (const more of [
      { nixVersion: '2.99.0' },
      { nixReleaseUrl: 'file:///srv/build.tar.xz' },
      { nixReleaseUrl: 'file:///srv/nix-2.99.0-x86_64-linux.tar.xz' },
    ]) {
      const failure = failureOf(() => plan(more));
      assert.equal(failure.exitCode, 2);
      assert.match(failure.details.next ?? '', /nix-release-sha256/);
    }
  });

  it('for a system without releases points to the distribution', () => {
    const failure = failureOf(() => plan({}, 'riscv64-linux'));
    assert.match(failure.details.next ?? '', /`install-nix: system`/);
  });

  it('must not contradict the version or the machine', () => {
    const url = 'https://mirror.example/nix-2.34.7-aarch64-linux.tar.xz';
    const other = failureOf(() => plan({ nixReleaseUrl: url, nixVersion: '2.35.2' }));
    assert.match(other.message, /2\.34\.7.*2\.35\.2/);
    assert.match(failureOf(() => plan({ nixReleaseUrl: url })).message, /aarch64.*x86_64/);
  });

  it('has an address of a kind that can be fetched', () => {
    for (const nixReleaseUrl of ['ftp://mirror.example/', 'mirror.example', '/srv/nix']) {
      assert.equal(failureOf(() => plan({ nixReleaseUrl })).exitCode, 2);
    }
  });
});

describe('a checksum', () => {
  it('is hex or SRI, and nothing else', () => {
    assert.equal(parseSha256(sum), sum);
    assert.equal(parseSha256(`sha256-${Buffer.from(sum, 'hex').toString('base64')}`), sum);
    for (const text of ['', 'abc', `${sum}0`, 'sha512-AAAA', `sha256-${sum}`]) {
      assert.equal(failureOf(() => parseSha256(text)).exitCode, 2);
    }
  });
});

describe('an address that is shown', () => {
  it('holds no secret', () => {
    const url = new URL('https://user:password@mirror.example/nix.tar.xz?token=secret#part');
    assert.equal(shownUrl(url), 'https://mirror.example/nix.tar.xz');
  });
});
