import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { audit } from '../../../src/audit/audit.ts';
import { readSubject } from '../../../src/audit/read.ts';
import {
  type AuditSubject,
  fetchedInputs,
  kindOf,
  type LayerClosures,
  neededInputs,
} from '../../../src/audit/subject.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { nameOf } from '../../../src/nix/names.ts';
import type { AuditRecord } from '../../../src/record/audit.ts';
import { workbench } from '../nix/workbench.ts';

const flakes = new URL('../../flakes/', import.meta.url);

/** The folder of a flake for tests. */
export const flakeFolder = (name: string) => fileURLToPath(new URL(name, flakes));

/**
 * The audit of an attribute of one of the flakes in test/flakes, by this Nix; nothing is built. Impure
 * derivations have to be allowed, by who needs them alone: Nix adds tables to the store's database for
 * them, and of two processes that do so at once one fails.
 *
 * @param sizes name of a store path → MB that it would have if it were built, without which the store says
 * nothing of any
 */
export async function auditFlake(
  test: TestContext,
  flake: string,
  attribute: string,
  sizes?: Readonly<Record<string, number>>,
): Promise<AuditRecord> {
  const NIX_CONFIG =
    attribute === 'impure'
      ? 'extra-experimental-features = ca-derivations impure-derivations'
      : process.env.NIX_CONFIG;
  const { nix } = await workbench(test, { env: { ...process.env, NIX_CONFIG } });
  const evaluation = await evaluate(nix, {
    installables: [`path:${flakeFolder(flake)}#${attribute}`],
    overrideInputs: [
      { input: 'nixpkgs', flake: `path:${flakeFolder('nixpkgs-shapes')}` },
      ...(flake === 'origins'
        ? [{ input: 'others', flake: `path:${flakeFolder('other-packages')}` }]
        : []),
    ],
    cwd: '/',
    acceptFlakeConfig: false,
    provenance: true,
  });
  const subject = await readSubject(evaluation);
  return audit(subject, sizes && closuresOf(subject, sizes));
}

/** The layers' closures as a store would say them, of what derivations name: a little more than it is. */
function closuresOf(subject: AuditSubject, sizes: Readonly<Record<string, number>>): LayerClosures {
  const { layers, graph, provenance } = subject;
  return new Map(
    layers.map(({ name, contents }) => {
      const pending = new Set(contents); // grows while it is read
      const paths = new Set<string>();
      for (const drvPath of pending) {
        const facts = graph.get(drvPath);
        if (facts === undefined) continue;
        paths.add(facts.outputs.get('out') ?? '');
        const kind = kindOf(drvPath, facts, provenance);
        if (kind === 'fetch') continue;
        const fetched = kind === 'glue' ? fetchedInputs(facts, graph) : [];
        for (const input of [...neededInputs(facts, graph), ...fetched]) pending.add(input);
      }
      const sized = [...paths].map(path => ({ path, narSize: (sizes[nameOf(path)] ?? 0) * 1e6 }));
      return [name, sized];
    }),
  );
}
