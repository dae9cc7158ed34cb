import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flakeLastModified } from '../../../src/nix/flake.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

test('a flake is asked for its date with the inputs that replace its own', async () => {
  const asked: (readonly string[])[] = [];
  const host = quietHost({
    run: async ({ args }) => {
      asked.push(args);
      return { code: 0, stdout: '{"lastModified":5}', stderr: '' };
    },
  });
  const nix: Nix = { bin: '/bin', version: '2.34.8', storeDir: '/nix/store', env: {}, host };
  const overrideInputs = [{ input: 'a', flake: 'path:/a' }];
  const flake = { installable: 'path:/x#y', overrideInputs, cwd: '/' };
  assert.equal(await flakeLastModified(nix, flake), 5);
  assert.deepEqual(asked[0]?.slice(-4), ['--override-input', 'a', 'path:/a', 'path:/x']);
});
