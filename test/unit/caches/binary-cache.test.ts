import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyDestination, startBinaryCachePush } from '../../../src/caches/binary-cache.ts';
import { Failure } from '../../../src/host/failure.ts';
import type { Command } from '../../../src/host/process.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

test('stores of files are compressed and signed by the client, and say so in the address', () => {
  const key = '/run/private/key with space';
  const parameters = 'compression=zstd&secret-key=%2Frun%2Fprivate%2Fkey%20with%20space';
  const of = (url: string, signingKeyFile?: string) => copyDestination({ url, signingKeyFile });
  assert.equal(of('file:///cache', key), `file:///cache?${parameters}`);
  assert.equal(of('s3://bucket?region=eu', key), `s3://bucket?region=eu&${parameters}`);
  assert.equal(of('https://cache.example/x'), 'https://cache.example/x?compression=zstd');
  assert.equal(of('file:///c?compression=xz'), 'file:///c?compression=xz');
  assert.equal(of('ssh-ng://builder@host', key), 'ssh-ng://builder@host');
});

test('an address with a login is refused, and not shown', () => {
  for (const url of ['https://u:hidden@cache.example/', 'http://hidden@cache.example/']) {
    assert.throws(
      () => copyDestination({ url }),
      (error: unknown) =>
        error instanceof Failure && !error.message.includes('hidden') && error.exitCode === 2,
    );
  }
  assert.throws(() => copyDestination({ url: 'my-bucket' }), Failure);
});

test("nix copy gets all paths of a batch, and Nix's error is the reason", async () => {
  const commands: Command[] = [];
  const host = quietHost({
    run: async command => {
      commands.push(command);
      const stderr = '\u001b[31;1merror:\u001b[0m unable to upload\n       HTTP error 507\n';
      return { code: command.args.includes('/nix/store/bad') ? 1 : 0, stdout: '', stderr };
    },
  });
  const nix: Nix = { bin: '/bin', version: '2.34.8', storeDir: '/nix/store', env: {}, host };
  const target = startBinaryCachePush(nix, { url: 'https://c.example/?priority=1' }, host, {
    pauses: [],
  });
  target.push('/nix/store/a');
  target.push('/nix/store/bad');
  const report = await target.finish();
  assert.deepEqual(report, {
    name: 'https://c.example/',
    pushed: 1,
    failed: [{ path: '/nix/store/bad', reason: 'unable to upload HTTP error 507' }],
  });
  assert.deepEqual(host.warnings, [
    '/nix/store/bad was not pushed to https://c.example/: unable to upload HTTP error 507',
  ]);
  assert.deepEqual(commands[0]?.args.slice(-2), ['/nix/store/a', '/nix/store/bad']);
});
