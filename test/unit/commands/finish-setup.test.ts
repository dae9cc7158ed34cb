import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { finishSetup } from '../../../src/commands/setup.ts';
import { afterVerb } from '../../../src/commands/verbs.ts';
import type { Host } from '../../../src/host/host.ts';
import { githubContext } from '../../../src/inputs/context.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { hostWithPrograms } from '../../tools/host.ts';
import { serve } from '../../tools/http-server.ts';

/** Ends a job on code of a repository, with something to save; gives how often the cache was asked. */
async function saves(t: TestContext, event: string, head: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'finish-'));
  t.after(() => rm(folder, { recursive: true }));
  let asked = 0;
  const server = await serve(request => {
    asked += 1;
    request.socket.destroy();
  });
  t.after(server.stop);
  const env = {
    ACTIONS_RESULTS_URL: `${server.url}/`,
    ACTIONS_RUNTIME_TOKEN: 'x',
    RUNNER_TEMP: folder,
  };
  const cached = join(folder, 'comfy-nix-cache/nix-release');
  await mkdir(cached, { recursive: true });
  await writeFile(join(cached, 'nix.tar.xz'), 'a release');
  const sha256 = createHash('sha256').update('a release').digest('hex');
  const github = { built: [], targets: [], tarball: sha256 };
  const where = { GITHUB_EVENT_NAME: event, GITHUB_REPOSITORY: 'o/comfy' };
  const payload = {
    pull_request: { head: { repo: { full_name: head } } },
    workflow_run: { event: 'push', head_repository: { full_name: head } },
  };
  const settings = parseSetup(
    {},
    {
      face: 'action',
      currentDirectory: folder,
      temporaryDirectory: folder,
      github: githubContext(where, payload),
    },
  );
  await finishSetup(settings, { github }, hostWithPrograms(env));
  return asked;
}

for (const event of ['pull_request', 'pull_request_target', 'workflow_run']) {
  test(`the end of a job on ${event}: a fork's code saves nothing in GitHub's cache`, async t => {
    assert.equal(await saves(t, event, 'other/comfy'), 0);
    assert.ok((await saves(t, event, 'o/comfy')) > 0, 'code of the repository itself does');
  });
}

/** The end of a job whose inputs push; `nix` is what that program does, none where there is none. */
async function pushes(t: TestContext, mode: string, nix: string | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'finish-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of nix === undefined ? [] : ['nix', 'nix-store']) {
    await writeFile(join(folder, name), `#!/bin/sh\n${nix}\n`, { mode: 0o755 });
  }
  const inputs = { 'cachix-name': 'mine', 'cachix-auth-token': 'x', 'cachix-push': mode };
  const settings = parseSetup(inputs, {
    face: 'action',
    currentDirectory: folder,
    temporaryDirectory: folder,
  });
  // none of the machine's own programs: the places of installers are looked at as well
  const host = hostWithPrograms({ PATH: folder, HOME: folder });
  const run: Host['run'] = async command => {
    if (!command.file.startsWith(folder)) return { code: 1, stdout: '', stderr: '' };
    return host.run(command);
  };
  await finishSetup(settings, { builtSince: 1 }, { ...host, run });
  return host.warnings;
}

test('a job that cannot push says so, and fails where it has to push', async t => {
  const [none = ''] = await pushes(t, 'true', undefined);
  assert.match(none, /^What was built in this job is not pushed: .*there is no Nix any more\./);
  await assert.rejects(
    pushes(t, 'required', undefined),
    /cannot be pushed: there is no Nix any more/,
  );

  // a later step has broken the settings: they can be told from a Nix that is none
  const refusal = `"error: illegal configuration line 'x' in 'NIX_CONFIG'" >&2; exit 1`;
  const broken = `[ "$NIX_CONF_DIR" = /var/empty ] && echo 'nix (Nix) 2.34.8' && exit; echo ${refusal}`;
  const [first = ''] = await pushes(t, 'true', broken);
  assert.match(
    first,
    /^What was built .* is there, but its settings are broken: NIX_CONFIG, line 1/,
  );
  await assert.rejects(pushes(t, 'required', broken), /its settings are broken/);
});

test('a job whose inputs push nothing asks for no Nix at its end', async t => {
  assert.deepEqual(await pushes(t, 'false', undefined), []);
});

test('the end of a job does not fail for what only a set-up reads', async () => {
  const raw = { undo: 'true', check: 'true' };
  const context = { face: 'action' as const, currentDirectory: '/', temporaryDirectory: '/' };
  await afterVerb(raw, context, {}, hostWithPrograms());
});
