import { basename, dirname, relative, resolve } from 'node:path';
import { readDocument } from '../../host/document-file.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { onceEach } from '../../host/once.ts';
import type { PrefetchSettings } from '../../inputs/settings.ts';
import { type Asked, type Lists, noLists } from '../../wheels/lists/asked.ts';
import { readLists } from '../../wheels/lists/read.ts';
import { describeVariant, type Variant } from '../../wheels/variant.ts';
import { exactVersion } from '../../wheels/versions.ts';
import type { Wanted } from '../../wheels/wanted.ts';
import { exportLock } from './uv.ts';

/** What lists ask for in one variant. */
export interface VariantLists extends Lists {
  /** Whether wheels.toml names any. */
  any: boolean;
  /** Whether Python is the interpreter alone, so that what building takes are wheels, too. */
  buildsByWheels?: boolean;
  /** Those that are resolved already: pylock.toml, uv.lock. */
  locked: readonly { name: string; text: string }[];
}

export type ListsOf = (variant: Variant) => VariantLists;

/**
 * Reads the lists of all variants.
 * @throws Failure that names each line that cannot be taken, and what to write instead
 */
export async function readAllLists(
  wanted: Wanted,
  { wheelsFile }: Pick<PrefetchSettings, 'wheelsFile'>,
  host: Host,
): Promise<ListsOf> {
  const folder = dirname(wheelsFile);
  const exported = onceEach(
    (file: string) => file,
    file => exportLock(file, wheelsFile, host),
  );
  const byVariant = new Map<string, VariantLists>();
  for (const variant of wanted.variants) {
    byVariant.set(describeVariant(variant), await listsOf(variant, wanted, folder, exported));
  }
  const problems = [...new Set([...byVariant.values()].flatMap(lists => lists.problems))];
  if (problems.length > 0) {
    throw new Failure('Lines of the requirements lists cannot be taken.', {
      evidence: problems,
      next: 'Change these lines as they say; all others can be taken.',
    });
  }
  return variant => byVariant.get(describeVariant(variant)) ?? { ...none };
}

const none: VariantLists = { ...noLists(), any: false, locked: [] };

async function listsOf(
  variant: Variant,
  wanted: Wanted,
  folder: string,
  exported: (file: string) => Promise<string>,
): Promise<VariantLists> {
  const files = wanted.lists(variant);
  const isLocked = (file: string) => /^(pylock(\..+)?\.toml|uv\.lock)$/.test(basename(file));
  const lists = await readLists(
    files.filter(file => !isLocked(file)),
    folder,
    variant,
  );
  const locked = [];
  for (const each of files.filter(isLocked)) {
    const file = resolve(folder, each);
    const text = await readDocument(file);
    if (text === undefined) lists.problems.push(`wheels.toml: there is no list ${each}.`);
    else {
      const isExported = basename(file) === 'uv.lock';
      locked.push({ name: relative(folder, file), text: isExported ? await exported(file) : text });
    }
  }
  lists.problems.push(...twiceIn(lists.requirements, wanted.skipped(variant)));
  return { ...lists, any: files.length > 0, locked };
}

/** Two lines that pin one project to two versions. */
function twiceIn(all: readonly Asked[], skipped: ReadonlyMap<string, unknown>): string[] {
  const exact = all.filter(({ name, versions }) => exactVersion(versions) && !skipped.has(name));
  return [...Map.groupBy(exact, ({ name }) => name).values()].flatMap(same => {
    const [first] = same;
    const other = same.find(({ versions }) => versions !== first?.versions);
    if (first === undefined || other === undefined) return [];
    return [`${other.place}: ${other.text}: ${first.place} has ${first.text}; keep one of them.`];
  });
}
