import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { audit } from '../../../src/audit/audit.ts';
import { readSubject } from '../../../src/audit/read.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import type { AuditRecord } from '../../../src/record/audit.ts';
import { workbench } from '../nix/workbench.ts';

const flakes = new URL('../../flakes/', import.meta.url);

/** The folder of a flake for tests. */
export const flakeFolder = (name: string) => fileURLToPath(new URL(name, flakes));

/**
 * The audit of an attribute of one of the flakes in test/flakes, by this Nix; nothing is built. Impure
 * derivations have to be allowed, by who needs them alone: Nix adds tables to the store's database for
 * them, and of two processes that do so at once one fails.
 */
export async function auditFlake(
  test: TestContext,
  flake: string,
  attribute: string,
): Promise<AuditRecord> {
  const NIX_CONFIG =
    attribute === 'impure'
      ? 'extra-experimental-features = ca-derivations impure-derivations'
      : process.env.NIX_CONFIG;
  const { nix } = await workbench(test, { env: { ...process.env, NIX_CONFIG } });
  const evaluation = await evaluate(nix, {
    installables: [`path:${flakeFolder(flake)}#${attribute}`],
    overrideInputs: [{ input: 'nixpkgs', flake: `path:${flakeFolder('nixpkgs-shapes')}` }],
    cwd: '/',
    acceptFlakeConfig: false,
    provenance: true,
  });
  return audit(await readSubject(evaluation));
}
