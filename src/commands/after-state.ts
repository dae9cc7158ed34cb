import * as v from 'valibot';
import type { GithubCacheState, TargetEntry } from '../caches/github/save.ts';
import { isPartId } from '../host/shared-file.ts';
import { isDerivationPath, isPlaceholder, isStorePath } from '../nix/names.ts';
import type { AfterState } from './outcome.ts';

/** A check for every field of a type, so that none can be added without one. */
type Fields<T> = Record<keyof T, v.GenericSchema>;

const derivationPath = v.pipe(v.string(), v.check(isDerivationPath));

const outputPath = v.pipe(
  v.string(),
  v.check(path => isStorePath(path) || isPlaceholder(path)),
);

/** The key of an entry in GitHub's cache: of a system, a target's plain name and a hash. */
const key = v.pipe(v.string(), v.regex(/^comfy-nix-[\w.+?=-]+$/));

const target = {
  name: v.string(),
  drvPath: derivationPath,
  outPath: outputPath,
  isArchive: v.boolean(),
  key,
  restored: v.exactOptional(v.string()),
} satisfies Fields<TargetEntry>;

const github = {
  built: v.array(derivationPath),
  targets: v.array(v.strictObject(target)),
  tarball: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  evaluation: v.exactOptional(key),
} satisfies Fields<GithubCacheState>;

const fields = {
  builtSince: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  github: v.exactOptional(v.strictObject(github)),
  part: v.exactOptional(v.pipe(v.string(), v.check(isPartId))),
} satisfies Fields<AfterState>;

const schema = v.strictObject(fields);

/** Reads what `main` has left as JSON; undefined where anything of it is not what it leaves. */
export function readAfterState(json: string): AfterState | undefined {
  try {
    const read = v.safeParse(schema, JSON.parse(json));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}
