import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineCertificates } from '../../../src/nix/install/certificates.ts';

test("the user's choice comes before the machine's bundle, as far as it can be read", async t => {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = async (name: string) => {
    await writeFile(join(folder, name), '');
    return join(folder, name);
  };
  const [nix, company, machine] = [await file('nix'), await file('company'), await file('machine')];
  const found = (env: Record<string, string>) => machineCertificates({ env }, [machine]);
  assert.equal(await found({}), machine);
  assert.equal(await found({ SSL_CERT_FILE: company }), company);
  assert.equal(await found({ NIX_SSL_CERT_FILE: nix, SSL_CERT_FILE: company }), nix);
  assert.equal(await found({ NIX_SSL_CERT_FILE: '', SSL_CERT_FILE: company }), company);
  assert.equal(await found({ SSL_CERT_FILE: join(folder, 'gone') }), machine);
  assert.equal(await machineCertificates({ env: {} }, [join(folder, 'gone')]), undefined);
});
