import { satisfies } from '@renovatebot/pep440';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import type { OfferedFile } from '../index-page.ts';
import { factsOf, holds } from '../markers.ts';
import { metadataOf } from '../metadata.ts';
import { parseToml } from '../toml.ts';
import type { Variant } from '../variant.ts';
import { fileNameOf, normalizeName, parseWheelName } from '../wheel-name.ts';

/** A package of a pylock.toml in one variant. */
export interface LockedPackage {
  name: string;
  version: string;
  /** Its wheels, those for other platforms among them. */
  files: readonly OfferedFile[];
  /** Named by its address, not by an index. */
  isDirect: boolean;
  /** The index that it is from, where the file tells. */
  index: string | undefined;
}

const fileSchema = v.object({
  name: v.optional(v.string()),
  url: v.optional(v.pipe(v.string(), v.url())),
  size: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  hashes: v.optional(v.record(v.string(), v.string()), {}),
});
const packageSchema = v.object({
  name: v.string(),
  version: v.optional(v.string()),
  marker: v.optional(v.string(), ''),
  index: v.optional(v.string()),
  wheels: v.optional(v.array(fileSchema), []),
  archive: v.optional(fileSchema),
  directory: v.optional(v.object({})),
});
const schema = v.object({
  'lock-version': v.pipe(v.string(), v.regex(/^1\./)),
  'requires-python': v.optional(v.string()),
  packages: v.optional(v.array(packageSchema), []),
});

const makeAnew = 'Make it anew with the tool that wrote it.';

/**
 * The packages of a pylock.toml (PEP 751) that are for a variant; folders of the machine are left out.
 * @param file for errors
 * @throws Failure where it is none, is of another Python, or has a package that is no wheel
 */
export function readPylock(content: string, file: string, variant: Variant): LockedPackage[] {
  const { success, output } = v.safeParse(schema, parseToml(content, file, makeAnew));
  if (!success) {
    throw new Failure(`${file} is no pylock.toml of the version 1 (PEP 751).`, {
      next: makeAnew,
    });
  }
  const python = output['requires-python'];
  if (python !== undefined && !satisfies(`${variant.python}.99`, python)) {
    throw new Failure(`${file} is for Python ${python}, and the variant has ${variant.python}.`, {
      next: 'Lock it for this Python; {cp} in its name in wheels.toml stands for cp313 and so on.',
    });
  }
  const facts = factsOf(variant);
  return output.packages
    .filter(({ marker, directory }) => directory === undefined && holds(marker, facts))
    .map(each => lockedPackage(each, file));
}

function lockedPackage(
  { name, version, index, wheels, archive }: v.InferOutput<typeof packageSchema>,
  file: string,
): LockedPackage {
  const offered = [...wheels, ...(archive ? [archive] : [])].flatMap(offeredFile);
  const [first] = offered;
  const wheel = first && parseWheelName(first.filename);
  if (wheel === undefined) {
    throw new Failure(`${file}: ${name} is no wheel, and what is no wheel is built by Nix.`, {
      next: `Name it under [sources] of wheels.toml, or lock it with --only-binary :all:.`,
    });
  }
  return {
    ...{ name: normalizeName(name), version: version ?? wheel.version, files: offered },
    ...{ isDirect: archive !== undefined, index: index?.replace(/\/+$/, '') },
  };
}

function offeredFile({ name, url, size, hashes }: v.InferOutput<typeof fileSchema>): OfferedFile[] {
  if (url === undefined || !/^https?:/.test(url)) return [];
  const address = new URL(url);
  address.hash = '';
  const { sha256 } = hashes;
  const filename = name ?? fileNameOf(url);
  if (parseWheelName(filename) === undefined) return [];
  return [{ filename, url: address.href, size, sha256, metadata: metadataOf(address.href) }];
}
