import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { stoppable } from '../../host/stoppable.ts';
import { newTemporaryFolder } from '../../host/temporary.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { evaluate } from '../../nix/evaluate.ts';
import { type FlakeSource, localFlake, writeFiles } from '../../nix/flake-source.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import type { BuildState } from './state.ts';

/** What is compared, and where what comes of it is kept. */
interface Compared {
  nix: Nix;
  evaluation: Evaluation;
  settings: BuildSettings;
  state: Pick<BuildState, 'seen'>;
}

/**
 * Evaluates the flake's files without the commit that they are of, beside a build, and keeps whether that has
 * given the same image: then another commit with the same files needs no build. A commit goes into derivations
 * by `rev`, `shortRev` and `lastModified`. What is not done when the build has ended is given up.
 * @returns ends it; never rejects
 */
export function evaluateWithoutCommit(compared: Compared, host: Host): () => Promise<void> {
  const { evaluation, settings, state } = compared;
  const { source } = state.seen;
  const isNow = evaluation.recipe?.created === 'now';
  const isOfUse = settings.writeMemory && source?.isPlain && evaluation.locked && !isNow;
  if (!isOfUse) return async () => undefined;
  const { host: own, stop } = stoppable({ ...host, emit: () => undefined });
  const asked = givesTheSame(compared, source, own).then(
    withoutCommit => {
      state.seen = { source, withoutCommit };
    },
    () => undefined, // nobody needs to know it
  );
  return async () => {
    stop(new Failure('The build has ended.'));
    await asked;
  };
}

/** Whether the files of a commit give the same image as the commit. */
async function givesTheSame(
  { nix, evaluation, settings }: Compared,
  source: FlakeSource,
  host: Host,
): Promise<boolean | undefined> {
  const { dir, attribute = '' } = localFlake(evaluation.installable) ?? {};
  const below = [source.folder, dir].filter(Boolean).join('/');
  // older versions of Nix know no escapes
  if (!/^[\w./-]*$/.test(below)) return undefined;
  const folder = await newTemporaryFolder('comfy-nix-files-', host.env);
  try {
    const files = join(folder, 'files');
    if (!(await writeFiles(source, files, host))) return undefined;
    // the date of such a flake is that of its newest file: no commit's
    await utimes(files, future, future);
    const flake = `path:${files}${below && `?dir=${below}`}#${attribute}`;
    const { acceptFlakeConfig, workingDirectory: cwd } = settings;
    const how = { overrideInputs: [], acceptFlakeConfig, cwd };
    const found = await evaluate({ ...nix, host }, { installables: [flake], ...how });
    return found.locked && isDeepStrictEqual(imageIn(found), imageIn(evaluation));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** 2100, in seconds since 1970. */
const future = 4_102_444_800;

/** What of an evaluation decides the image. */
const imageIn = ({ target, recipe, system, imageName, imageTag }: Evaluation) => ({
  ...{ target, recipe, system, imageName, imageTag },
});
