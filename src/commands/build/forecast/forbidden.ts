import { Failure } from '../../../host/failure.ts';
import type { ListedNeeds } from '../../../nix/disk-needs.ts';
import { splitName } from '../../../record/packages.ts';
import { plural, storeName } from '../../../report/units.ts';
import type { ImageContext } from '../context.ts';
import { whySentences } from './why.ts';

/** Derivations that are named in the message. */
const mostNamed = 5;

/**
 * Why a run is not begun: it would build what must not be built. Undefined where it would not.
 * @param patterns names of packages or derivations, or globs of them
 */
export async function forbiddenBuild(
  patterns: readonly string[],
  needs: ListedNeeds | undefined,
  context: ImageContext,
): Promise<Failure | undefined> {
  if (patterns.length === 0) return undefined;
  if (needs === undefined) return unknownBuilds();
  const found = needs.built.filter(drvPath => patterns.some(each => isNamed(drvPath, each)));
  if (found.length === 0) return undefined;
  const named = found.slice(0, mostNamed).map(storeName).join(', ');
  const more = found.length - Math.min(found.length, mostNamed);
  return new Failure(
    `${plural(found.length, 'derivation')} would be built that \`forbid-builds\` names: ${named}${more > 0 ? ` and ${more} more` : ''}.`,
    {
      evidence: await whySentences(context),
      tried: 'Nothing was built and no tag was moved.',
      next: 'Name a binary cache that has it, take back what changed, or take it out of `forbid-builds`.',
    },
  );
}

const unknownBuilds = () =>
  new Failure('Nix could not say what it would build, and `forbid-builds` names something.', {
    next: 'See what nix-store --realise --dry-run says of the derivation; or run without `forbid-builds`.',
  });

/** Whether a pattern means a derivation: by its name with or without version, and without Python's. */
export function isNamed(drvPath: string, pattern: string): boolean {
  const glob = globOf(pattern);
  const full = storeName(drvPath);
  const names = [full, splitName(full).name];
  const all = [...names, ...names.map(name => name.replace(/^python\d[\d.]*-/, ''))];
  return all.some(name => glob.test(name));
}

/** A glob, in which `*` stands for any characters and `?` for one. */
function globOf(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
