import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as v from 'valibot';
import { auditImage } from '../../../src/commands/audit.ts';
import { VerbFailure, type VerbOutcome } from '../../../src/commands/outcome.ts';
import type { AuditLimit } from '../../../src/inputs/settings.ts';
import { auditSchema } from '../../../src/record/audit-schema.ts';
import { workbench } from '../nix/workbench.ts';
import { flakeFolder } from './audited-flake.ts';

async function run(
  test: TestContext,
  attribute: string,
  auditFailOn: AuditLimit,
): Promise<{ outcome: VerbOutcome; failure: VerbFailure | undefined; file: unknown }> {
  const { nix, folder } = await workbench(test);
  const recordFile = join(folder, 'audit.json');
  const outcome = auditImage(
    {
      nix: { installNix: 'none' },
      conf: { lines: [], accessTokens: [], trustedUsers: [], place: 'run' },
      acceptFlakeConfig: false,
      temporaryDirectory: folder,
      flake: `path:${flakeFolder('faults')}#${attribute}`,
      overrideInputs: [{ input: 'nixpkgs', flake: `path:${flakeFolder('nixpkgs-shapes')}` }],
      workingDirectory: folder,
      auditFailOn,
      recordFile,
    },
    nix.host,
  );
  const result = await outcome.then(
    value => ({ outcome: value, failure: undefined }),
    (error: unknown) => {
      assert.ok(error instanceof VerbFailure, String(error));
      return { outcome: error.outcome, failure: error };
    },
  );
  return { ...result, file: JSON.parse(await readFile(recordFile, 'utf8')) };
}

test('the report, the outputs and the file say the same', async t => {
  const { outcome, failure, file } = await run(t, 'secret-in-environment', 'never');
  assert.equal(failure, undefined);
  assert.deepEqual(v.parse(auditSchema, file), file);
  assert.deepEqual(outcome.outputs.findings, (file as { findings: unknown }).findings);
  assert.equal(outcome.outputs.reproducible, 100);
  assert.match(outcome.report?.text ?? '', /secret-in-environment\n {2}- The variable HF_TOKEN/);
  assert.match(outcome.report?.markdown ?? '', /\*\*secret-in-environment\*\*/);
});

test('findings fail the run from the severity on that was chosen', async t => {
  const secret = await run(t, 'secret-in-environment', 'error');
  assert.equal(secret.failure?.message, 'The audit found 2 errors.');
  assert.match(secret.outcome.report?.text ?? '', /HF_TOKEN/);
  const root = await run(t, 'runs-as-root', 'error');
  assert.equal(root.failure, undefined);
  const strict = await run(t, 'runs-as-root', 'warning');
  assert.equal(strict.failure?.message, 'The audit found 1 warning.');
  const clean = await run(t, 'clean', 'warning');
  assert.equal(clean.failure, undefined);
});
