import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerOf, takeBack } from '../../../src/commands/setup/part.ts';
import { isPartId } from '../../../src/host/shared-file.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { quietHost } from '../../tools/host.ts';

const context = { currentDirectory: '/', temporaryDirectory: '/private' } as const;

test('each job has a part of its own, which is gone with its folder; an account has one for good', () => {
  const job = () => ownerOf(parseSetup({}, { ...context, face: 'action' }));
  assert.ok(isPartId(job().id));
  assert.notEqual(job().id, job().id);
  assert.equal(job().job, '/private');
  const account = ownerOf(parseSetup({}, { ...context, face: 'command-line' }));
  assert.deepEqual(account, { id: `account-${process.getuid?.()}` });
});

test('a name that this program does not give takes nothing back', async () => {
  const run = async () => assert.fail('nothing is run');
  const host = quietHost({ run });
  for (const id of ['', '../../nix', 'job-', 'account-1/..', 'job-0123456789abcdef\n']) {
    assert.ok(!isPartId(id), id);
    await takeBack(id, host);
  }
  assert.deepEqual(host.warnings, []);
});
