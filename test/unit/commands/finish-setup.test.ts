import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { finishSetup } from '../../../src/commands/setup.ts';
import { githubContext } from '../../../src/inputs/context.ts';
import { parseSetup } from '../../../src/inputs/setup.ts';
import { recordingHost } from '../caches/host.ts';

/** Ends a job on code of a repository, with something to save; gives how often the cache was asked. */
async function saves(t: TestContext, event: string, head: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'finish-'));
  t.after(() => rm(folder, { recursive: true }));
  let asked = 0;
  const server = createServer(request => {
    asked += 1;
    request.socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const env = {
    ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/`,
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
  await finishSetup(settings, { github }, recordingHost({ env }).host);
  return asked;
}

for (const event of ['pull_request', 'pull_request_target', 'workflow_run']) {
  test(`the end of a job on ${event}: a fork's code saves nothing in GitHub's cache`, async t => {
    assert.equal(await saves(t, event, 'other/comfy'), 0);
    assert.ok((await saves(t, event, 'o/comfy')) > 0, 'code of the repository itself does');
  });
}
