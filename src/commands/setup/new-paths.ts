import { lstatSync } from 'node:fs';
import * as v from 'valibot';
import { isImageArchive } from '../../caches/built-outputs.ts';
import { Failure } from '../../host/failure.ts';
import { lastLines } from '../../host/last-lines.ts';
import { runNix } from '../../nix/nix.ts';
import type { Nix } from '../../nix/types.ts';

/** What `nix path-info --json` says of a path, as far as all versions say it. */
const infoSchema = v.object({
  path: v.optional(v.string()),
  /** Absent where nobody built the path (sources). */
  deriver: v.nullish(v.string()),
  /** Seconds since the epoch. */
  registrationTime: v.nullish(v.number()),
  signatures: v.nullish(v.array(v.string())),
  /** Built on this machine, by itself. */
  ultimate: v.nullish(v.boolean()),
});
type Info = v.InferOutput<typeof infoSchema>;
/** A list in old versions, an object by path in newer ones; null for a path that has just gone. */
const listSchema = v.array(infoSchema);
const byPathSchema = v.record(v.string(), v.nullable(infoSchema));
type Infos = v.InferOutput<typeof listSchema> | v.InferOutput<typeof byPathSchema>;

/**
 * Store paths that were built on this machine, or for it by another, since a moment (milliseconds since
 * the epoch); image archives are none of them. Rejects with a {@link Failure}.
 *
 * Nix keeps no list of what a run has built, so this goes by what it keeps of each path:
 * - when it became valid, in whole seconds; within the second in which the moment lies, when the path
 *   was put into the store, as its file system tells. Nix itself may have come just before. A path that
 *   was there before keeps its time, also when it is asked for, checked or repaired;
 * - who made it: sources and derivations have no deriver;
 * - whose word it is: what a substituter had is signed by it. A path without signatures came from a
 *   builder or a store that is trusted without them (what GitHub's cache gave back, for one): it was
 *   built for this repository, and no public cache has it.
 */
export async function pathsBuiltSince(nix: Nix, since: number): Promise<string[]> {
  const { code, stdout, stderr } = await runNix(nix, 'nix', ['path-info', '--all', '--json']);
  if (code !== 0) {
    throw new Failure('The store could not be searched for what was built.', {
      evidence: lastLines(stderr),
      tried: 'nix path-info --all --json.',
    });
  }
  return builtSince(readPathInfos(stdout), since);
}

/** What `nix path-info --json` printed. Throws a {@link Failure}. */
export function readPathInfos(printed: string): Infos {
  try {
    const infos: unknown = JSON.parse(printed);
    return Array.isArray(infos) ? v.parse(listSchema, infos) : v.parse(byPathSchema, infos);
  } catch (cause) {
    throw new Failure('What Nix says of the paths in its store is not understood.', {
      tried: 'nix path-info --all --json.',
      cause,
    });
  }
}

/** The same of what Nix says. */
export function builtSince(
  infos: Infos,
  since: number,
  changedAt: (path: string) => number = statusChange,
): string[] {
  const entries = Array.isArray(infos)
    ? infos.map(info => [info.path ?? '', info] as const)
    : Object.entries(infos);
  const isNew = (path: string, { registrationTime }: Info) => {
    const second = Math.floor(since / 1000);
    const registered = registrationTime ?? 0;
    return registered === second ? changedAt(path) >= since : registered > second;
  };
  return entries
    .filter(([path, info]) => info && isNew(path, info) && isBuiltHere(path, info))
    .map(([path]) => path);
}

function isBuiltHere(path: string, { deriver, signatures, ultimate }: Info): boolean {
  if (!deriver) return false;
  const isOurs = ultimate === true || (signatures ?? []).length === 0;
  return isOurs && !isImageArchive(path, deriver);
}

/** When a path was last changed as a file, in ms: all of its contents have the same old time. */
function statusChange(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}
