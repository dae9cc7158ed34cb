import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kindOf } from '../../../src/nix/causes/kind.ts';

const drvPath = '/nix/store/8ac8rqp26rj89vw2hgim178ycd9k6612-x.drv';

/** What a derivation with this environment is taken for; texts are JSON's, as an ATerm's nearly are. */
async function kindWith(env: Record<string, string>, place: string) {
  const pairs = Object.entries(env).map(
    pair => `(${pair.map(each => JSON.stringify(each)).join()})`,
  );
  const text = `Derive([("out","${drvPath.slice(0, -4)}","","")],[],[],"x86_64-linux","/bin/sh",[],[${pairs.join()}])`;
  await writeFile(join(place, drvPath.slice('/nix/store/'.length)), text);
  return kindOf(drvPath, place);
}

test('a download and a virtual machine are told by what their derivation has, structured or not', async t => {
  const place = await mkdtemp(join(tmpdir(), 'kind-'));
  t.after(() => rm(place, { recursive: true }));
  assert.equal(kindOf(drvPath, place), undefined);
  const structured = (attributes: object) => ({ __json: JSON.stringify(attributes) });
  for (const [env, kind] of [
    [{ name: 'kvm' }, 'build'],
    [{ outputHash: 'sha256-x', requiredSystemFeatures: 'big-parallel' }, 'download'],
    [structured({ outputHash: 'sha256-x' }), 'download'],
    [{ requiredSystemFeatures: 'big-parallel kvm' }, 'virtual machine'],
    [structured({ requiredSystemFeatures: ['nixos-test', 'kvm'] }), 'virtual machine'],
    [structured({ requiredSystemFeatures: ['kvmless'] }), 'build'],
  ] as const) {
    assert.equal(await kindWith(env, place), kind, JSON.stringify(env));
  }
});
