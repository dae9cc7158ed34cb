import type { Host } from '../../host/host.ts';
import { placedOn, prepareDisk } from '../../nix/disk.ts';
import { queryValid } from '../../nix/store.ts';
import type { DerivationOutput, Nix } from '../../nix/types.ts';
import type { ImageContext } from './context.ts';

/** A Nix that has what it needs in order to realise some outputs. */
export interface Provided {
  nix: Nix;
  /** Resolves when no more space is being freed; never rejects. */
  reclaimed: Promise<unknown>;
}

/**
 * Fetches what earlier runs built of these outputs from GitHub's cache, and sees to room on the disk.
 * Rejects with a {@link Failure} where even the downloads do not fit.
 */
export async function provideFor(
  outputs: readonly DerivationOutput[],
  context: Pick<ImageContext, 'nix' | 'evaluation' | 'settings' | 'state'>,
  host: Host,
): Promise<Provided> {
  const nix = { ...context.nix, host };
  const restored = await restoredSubstituters(outputs, context, nix);
  const withCaches = placedOn({ conf: restored, env: {} }, nix);
  const disk = await prepareDisk(withCaches, outputs, context.settings.reclaimDisk);
  return { nix: placedOn(disk, withCaches), reclaimed: disk.reclaimed };
}

/** Lines of nix.conf for what was restored. */
async function restoredSubstituters(
  outputs: readonly DerivationOutput[],
  { evaluation, state }: Pick<ImageContext, 'evaluation' | 'state'>,
  nix: Nix,
): Promise<string[]> {
  const { recipe, target, system } = evaluation;
  if (state.github === undefined || outputs.length === 0) return [];
  const isArchive = recipe === undefined;
  const targets = (recipe?.layers ?? [target]).filter(each =>
    outputs.some(({ outPath }) => outPath === each.outPath),
  );
  const valid = await queryValid(
    nix,
    targets.map(({ outPath }) => outPath),
  );
  const missing = targets.filter(({ outPath }) => !valid.has(outPath));
  const found = await state.github.restoreTargets(
    missing.map(({ name, drvPath, outPath }) => ({ name, drvPath, outPath, isArchive })),
    system,
  );
  return found.length === 0
    ? []
    : [`extra-substituters = ${found.map(({ url }) => url).join(' ')}`];
}
