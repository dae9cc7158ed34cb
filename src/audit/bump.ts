import { type AuditSubject, kindOf } from './subject.ts';

/** Bytes; only what has more is worth a finding. */
export const heavy = 100e6;

/** What a new nixpkgs changes of an image, and what it leaves alone. */
export interface Bump {
  /** The derivations whose outputs it gives other paths. */
  moved: ReadonlySet<string>;
  /** Output path → the derivation that makes it. */
  makers: ReadonlyMap<string, string>;
}

/** nixpkgs' stdenv and the stages that it is made in; all that nixpkgs builds has one as an input. */
const stdenv = /(?:^|-)stdenv(?:-|$)/;

/**
 * Tells what a new nixpkgs changes from one evaluation. It gives other paths to its packages, and to all
 * that is built with its stdenv or with one of them. The path of a fixed output is its content's and
 * name's alone.
 */
export function readBump(subject: AuditSubject): Bump {
  return { moved: movedDerivations(subject), makers: makersIn(subject) };
}

function movedDerivations({ graph, provenance }: AuditSubject): ReadonlySet<string> {
  const users = new Map<string, string[]>();
  const moved = new Set<string>(); // grows while it is read
  for (const [drvPath, facts] of graph) {
    if (facts.fetch !== undefined) continue;
    const isNixpkgs = stdenv.test(facts.name) || kindOf(drvPath, facts, provenance) === 'nixpkgs';
    if (isNixpkgs) moved.add(drvPath);
    for (const input of facts.inputDrvs.keys()) {
      const others = users.get(input);
      if (others) others.push(drvPath);
      else users.set(input, [drvPath]);
    }
  }
  for (const drvPath of moved) for (const user of users.get(drvPath) ?? []) moved.add(user);
  return moved;
}

function makersIn({ graph }: AuditSubject): ReadonlyMap<string, string> {
  const makers = new Map<string, string>();
  for (const [drvPath, { outputs }] of graph) {
    for (const path of outputs.values()) if (path !== '') makers.set(path, drvPath);
  }
  return makers;
}
