import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { auditImage } from '../../../src/commands/audit.ts';
import { explain } from '../../../src/host/failure.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseAudit } from '../../../src/inputs/verbs/audit.ts';
import { serve } from '../../tools/http-server.ts';
import { workbench } from '../nix/workbench.ts';
import { flakeFolder } from './audited-flake.ts';

/** A server that gives a flake in a tarball to those who log in. */
async function privateFlake(test: TestContext, folder: string): Promise<string> {
  const file = join(folder, 'shapes.tar.gz');
  execFileSync('tar', ['-czf', file, '-C', flakeFolder('.'), 'nixpkgs-shapes']);
  const tarball = await readFile(file);
  const login = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
  const { url, stop } = await serve((request, response) => {
    if (request.headers.authorization === login) response.end(tarball);
    else response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
  });
  test.after(stop);
  return `${url}/shapes.tar.gz`;
}

test('a private input is fetched with what nix-conf says, as in a build; tokens are at hand too', async t => {
  const { nix, folder } = await workbench(t);
  const netrc = join(folder, 'logins');
  await writeFile(netrc, 'machine 127.0.0.1 login me password hunter2\n', { mode: 0o600 });
  const raw: RawInputs = {
    flake: `path:${flakeFolder('faults')}#clean`,
    'override-inputs': `nixpkgs=${await privateFlake(t, folder)}`,
    'install-nix': 'none',
  };
  const audit = (more: RawInputs) =>
    auditImage(
      parseAudit(
        { ...raw, ...more },
        { face: 'command-line', currentDirectory: folder, temporaryDirectory: folder },
      ),
      nix.host,
    );
  await assert.rejects(audit({}), (error: unknown) => explain(error).includes('401'));
  const outcome = await audit({
    'nix-conf': `netrc-file = ${netrc}`,
    'access-tokens': 'git.example=hunter3',
  });
  assert.deepEqual(outcome.outputs.findings, []);
  assert.equal(outcome.exports?.env.NIX_USER_CONF_FILES, undefined);
  const secrets = await readFile(join(folder, 'comfy-nix-secrets.conf'), 'utf8');
  assert.match(secrets, /access-tokens = .*git\.example=hunter3/);
});

test('what nix-conf says is refused by name before anything is evaluated', async t => {
  const { nix, folder } = await workbench(t);
  const context = {
    face: 'command-line' as const,
    currentDirectory: folder,
    temporaryDirectory: folder,
  };
  const raw = { 'install-nix': 'none', 'nix-conf': 'cores = many' };
  await assert.rejects(
    auditImage(parseAudit(raw, context), nix.host),
    /Nix refuses what the input nix-conf says: line 1: /,
  );
});
