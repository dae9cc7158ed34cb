import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effectiveConf } from '../../../src/nix/conf.ts';
import {
  confText,
  missingSettings,
  settingsFor,
  withoutMissingBuildUsers,
} from '../../../src/nix/install/configure.ts';
import type { Machine } from '../../../src/nix/install/machine.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

const root: Machine = {
  system: 'x86_64-linux',
  uid: 0,
  gid: 0,
  groups: new Set(['root']),
  packageManager: undefined,
};
const user: Machine = { ...root, uid: 1000, gid: 1000 };
const withGroup: Machine = { ...root, groups: new Set(['root', 'nixbld']) };

const present: Nix = {
  bin: '/nix/bin',
  version: '2.8.0',
  storeDir: '/nix/store',
  env: { NIX_CONFIG: 'cores = 1' },
  host: quietHost(),
};

/** Settings in which builds have the users of a group. */
const buildsAs = (group: string) =>
  effectiveConf({ 'build-users-group': { value: group, defaultValue: 'nixbld' } });

describe('the settings of an installed Nix', () => {
  it('do without build users only as root on a machine that has none', () => {
    const groupOf = (machine: Machine) => settingsFor({}, machine, true).get('build-users-group');
    assert.equal(groupOf(root), '');
    assert.equal(groupOf(withGroup), undefined);
    assert.equal(groupOf(user), undefined);
  });

  it('switch the sandbox off where it cannot work, and nowhere else', () => {
    assert.equal(settingsFor({}, user, false).get('sandbox'), 'false');
    assert.equal(settingsFor({}, user, true).has('sandbox'), false);
  });

  it('name certificates where the machine has none', () => {
    const conf = settingsFor({ certificates: '/nix/store/x/ca.crt' }, user, true);
    assert.equal(conf.get('ssl-cert-file'), '/nix/store/x/ca.crt');
  });

  it('give the sandbox the shell that came with Nix', () => {
    const conf = settingsFor({ sandboxShell: '/nix/store/x/sh' }, user, true);
    assert.equal(conf.get('sandbox-paths'), '/bin/sh=/nix/store/x/sh');
  });

  it('are written as lines of nix.conf, and leave the number of jobs to the set-up', () => {
    const text = confText(settingsFor({}, root, true));
    assert.deepEqual(text.split('\n'), [
      'experimental-features = nix-command flakes',
      'build-users-group =',
    ]);
  });
});

describe('beside a nix.conf of the user', () => {
  const conf = settingsFor({}, root, false);
  it('only what it does not state is added', () => {
    const present = '# build-users-group = x\nmax-jobs = 4 # mine\n  sandbox=relaxed\n';
    assert.deepEqual([...missingSettings(present, conf)], [['build-users-group', '']]);
  });

  it('features are left to the set-up, which adds them and replaces none', () => {
    for (const present of ['', 'experimental-features = ca-derivations\n']) {
      const added = missingSettings(present, conf);
      assert.deepEqual(
        [...added.keys()].filter(name => name.includes('features')),
        [],
      );
    }
  });
});

describe('a Nix that was there', () => {
  it('gets no build users where its group does not exist', () => {
    const nix = withoutMissingBuildUsers(present, root, buildsAs('nixbld'));
    assert.equal(nix.env.NIX_CONFIG, 'cores = 1\nbuild-users-group =');
  });

  it('keeps a group that exists, and one that is empty', () => {
    const builders: Machine = { ...root, groups: new Set(['builders']) };
    for (const [group, machine] of [
      ['builders', builders],
      ['', root],
      ['nixbld', withGroup],
      ['nixbld', user],
    ] as const) {
      const nix = withoutMissingBuildUsers(present, machine, buildsAs(group));
      assert.deepEqual(nix.env, present.env);
    }
  });
});
