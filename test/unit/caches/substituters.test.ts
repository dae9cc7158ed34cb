import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { abandonedCaches, cudaCaches } from '../../../src/caches/presets.ts';
import { explainDistrust } from '../../../src/caches/signatures.ts';
import { leftOutWarning, substituterConf } from '../../../src/caches/substituters.ts';
import { shownAddress } from '../../../src/host/http/address.ts';

const one = { url: 'https://one.example', publicKeys: ['one:KEY1'] };
const two = { url: 'https://two.example/', publicKeys: ['two:KEY2'] };
const present = { urls: ['https://cache.nixos.org/'], publicKeys: ['cache.nixos.org-1:KEY'] };
const fault = (reason: string) => ({ reason, wantsLogin: false, stalls: false });
const wanted = { substituters: [one, two], publicKeys: ['mine:KEY3'] };

describe('the lines about substituters', () => {
  it('add to what is there', () => {
    const { lines, addedKeys, leftOut } = substituterConf(wanted, present, new Map());
    assert.deepEqual(lines, [
      'extra-substituters = https://one.example https://two.example/',
      'extra-trusted-public-keys = one:KEY1 two:KEY2 mine:KEY3',
    ]);
    assert.deepEqual(addedKeys, ['one:KEY1', 'two:KEY2', 'mine:KEY3']);
    assert.deepEqual(leftOut, []);
  });

  it('are none where everything is there already', () => {
    const all = {
      urls: ['https://one.example/', 'https://two.example?priority=10'],
      publicKeys: ['one:KEY1', 'two:KEY2', 'mine:KEY3'],
    };
    assert.deepEqual(substituterConf(wanted, all, new Map()).lines, []);
  });

  it('leave out a cache that cannot be used, with its key, and say why', () => {
    const { lines, leftOut } = substituterConf(
      wanted,
      present,
      new Map([[one.url, fault('no answer in 5 s')]]),
    );
    assert.deepEqual(lines, [
      'extra-substituters = https://two.example/',
      'extra-trusted-public-keys = two:KEY2 mine:KEY3',
    ]);
    assert.deepEqual(leftOut, [{ cache: one.url, reason: 'no answer in 5 s' }]);
    assert.equal(
      leftOutWarning(leftOut),
      'Caches that cannot be used are left out: https://one.example (no answer in 5 s).',
    );
  });

  it('give one warning, which states a reason once', () => {
    const offline = 'the name cannot be resolved';
    const { leftOut } = substituterConf(
      wanted,
      present,
      new Map([
        [one.url, fault(offline)],
        ['https://cache.nixos.org/', fault('it answers 500')],
        [two.url, fault(offline)],
      ]),
    );
    assert.equal(
      leftOutWarning(leftOut),
      'Caches that cannot be used are left out: https://cache.nixos.org/ (it answers 500); ' +
        'https://one.example, https://two.example/ (the name cannot be resolved).',
    );
  });

  it("state the whole list where one of the user's cannot be used", () => {
    const unusable = new Map([['https://cache.nixos.org/', fault('it answers 500')]]);
    const { lines } = substituterConf(wanted, present, unusable);
    assert.equal(lines[0], 'substituters = https://one.example https://two.example/');
    const none = substituterConf({ substituters: [], publicKeys: [] }, present, unusable);
    assert.deepEqual(none.lines, ['substituters =']);
  });

  it('leave out the abandoned cache, wherever it is named', () => {
    const [dead = ''] = abandonedCaches.keys();
    const { lines, leftOut } = substituterConf(
      wanted,
      { ...present, urls: [...present.urls, `${dead}/`] },
      new Map(),
    );
    assert.match(lines[0] ?? '', /^substituters = https:\/\/cache\.nixos\.org\/ https:\/\/one/);
    assert.match(leftOutWarning(leftOut), /cuda-maintainers\.cachix\.org\/ \(it is abandoned/);
  });

  it('show no login, whatever signs it has', () => {
    assert.equal(shownAddress('https://u:p@ss@one.example/a@b'), 'https://one.example/a@b');
    assert.equal(shownAddress('s3+x.y://token@bucket?profile=a@b'), 's3+x.y://bucket');
    assert.equal(shownAddress('https://one.example/a@b'), 'https://one.example/a@b');
    const login = 'https://user:hunter2@one.example';
    const { leftOut } = substituterConf(
      { substituters: [{ url: login, publicKeys: [] }], publicKeys: [] },
      present,
      new Map([[login, fault('it answers 500')]]),
    );
    assert.deepEqual(leftOut, [{ cache: 'https://one.example', reason: 'it answers 500' }]);
  });
});

describe('the presets', () => {
  it('have keys of the form that Nix takes', () => {
    for (const { url, publicKeys } of cudaCaches) {
      assert.ok(URL.canParse(url));
      for (const key of publicKeys) {
        const [, base64 = ''] = key.split(':');
        assert.equal(Buffer.from(base64, 'base64').length, 32, key);
      }
    }
  });
});

describe('a cache that Nix does not trust', () => {
  it('is told with both names of keys', () => {
    const text = explainDistrust(['theirs-1'], ['ours-1:KEY']);
    assert.match(text, /signed by theirs-1, and trusted are ours-1; .*extra-trusted-public-keys/);
  });

  it('may have another key of a trusted name, or no signature', () => {
    const same = explainDistrust(['ours-1'], ['ours-1:KEY']);
    assert.match(same, /not by the trusted key of that name/);
    assert.match(explainDistrust([], []), /paths are not signed$/);
    assert.match(explainDistrust(undefined, []), /by a trusted key$/);
  });
});
