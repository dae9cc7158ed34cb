import { Failure, orElse } from '../../../host/failure.ts';
import type { Host } from '../../../host/host.ts';
import { patience } from '../../../host/limits.ts';
import { inPhase } from '../../../host/phase.ts';
import { notice } from '../../../host/say.ts';
import { untilAborted, within } from '../../../host/wait.ts';
import { architectureOf } from '../../../image/config.ts';
import type { BuildSettings } from '../../../inputs/settings.ts';
import type { FlakeSource, LocalFlake } from '../../../nix/flake-source.ts';
import { machineSystem } from '../../../nix/system.ts';
import { moveTagsAtOnce } from '../../tags.ts';
import { variantOf } from '../context.ts';
import { type Destination, openDestination, type Repository } from '../destination.ts';
import { isSought, soughtOrigin } from '../image-origin.ts';
import type { BuildState } from '../state.ts';
import { findListed } from './find.ts';
import { type StandingImage, standingImage } from './standing.ts';

/** What is known of the image of a commit. */
interface KnownCommit extends StandingImage {
  destination: Destination;
  /** The tags that name it already. */
  current: readonly string[];
  /** Of the run that made it, where it was another commit with the same files. */
  madeOf: string | undefined;
}

/**
 * Lets the tags name the image of a commit that was built before: no Nix, no cache, no evaluation, and the
 * memory stays what it is. False where the repository does not have all of it, or what it says of it does
 * not fit together: then it is to be built. Rejects where a tag cannot be moved.
 */
export async function tagKnownCommit(
  flake: LocalFlake,
  source: FlakeSource,
  settings: BuildSettings,
  state: BuildState,
  repository: Repository,
): Promise<boolean> {
  const { host } = state;
  const known = await inPhase(host, 'remember', () =>
    inTime(host, () => knownCommit(flake, source, settings, host, repository)),
  );
  if (known === undefined) return false;
  const { destination, manifest, layers, current } = known;
  const { store, tags } = destination;
  state.destination = destination;
  const shown = layers.map(({ name }) => ({ name, reused: true, shipped: true }));
  host.emit({ type: 'plan', layers: shown, at: host.clock() });
  for (const layer of layers) state.made.set(layer.name, layer);
  await inPhase(host, 'finish', () =>
    moveTagsAtOnce(
      store,
      tags.filter(tag => !current.includes(tag)),
      manifest,
      host,
    ),
  );
  state.manifest = manifest;
  notice(host, sentence(source, known));
  return true;
}

/** A repository that takes its time is not waited for: a build can do without. */
async function inTime<T>(host: Host, work: () => Promise<T>): Promise<T | undefined> {
  const limit = { what: 'what the registry knows of this commit', ms: patience.knownCommit };
  try {
    return await within(limit, host, signal => untilAborted(work(), signal));
  } catch (error) {
    host.signal?.throwIfAborted();
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

async function knownCommit(
  flake: LocalFlake,
  source: FlakeSource,
  settings: BuildSettings,
  host: Host,
  repository: Repository,
): Promise<KnownCommit | undefined> {
  const { store } = repository;
  const system = machineSystem();
  const architecture = architectureOf(system);
  const sought = soughtOrigin(flake, source, settings, host.env, system);
  const madeAs = variantOf({ settings, state: { host } });
  const { cacheTag } = settings;
  const found = await findListed({ store, cacheTag, architecture }, image => {
    return isSought(image.origin, sought) && (image.madeAs ?? madeAs) === madeAs;
  });
  if (found === undefined) return undefined;
  const { variant, commit } = found.image.origin;
  const identity = { name: '', tag: variant ?? 'latest', architecture, hasRecipe: true };
  const where = { ...settings, cacheTag: found.cacheTag };
  const destination = openDestination(where, identity, host, repository);
  const { annotations } = settings;
  const wanted = { annotations, architecture, name: flake.attribute ?? 'image' };
  const [image, tagged] = await Promise.all([
    standingImage(found.image, store, wanted),
    namedNow(destination, found.tags),
  ]);
  if (image === undefined) return undefined;
  const current = destination.tags.filter((_, at) => tagged[at] === image.manifest.digest);
  const madeOf = commit === source.commit ? undefined : commit;
  return { ...image, destination, current, madeOf };
}

/** The digest that each of the tags names. `all`: those that are there, where that is known. */
function namedNow({ store, tags }: Destination, all: ReadonlySet<string> | undefined) {
  return Promise.all(
    tags.map(async tag => {
      if (all && !all.has(tag)) return undefined;
      return (await orElse(store.getManifest(tag), undefined))?.digest;
    }),
  );
}

function sentence({ commit }: FlakeSource, { madeOf, destination }: KnownCommit): string {
  const short = (hash: string) => hash.slice(0, 12);
  const what =
    madeOf === undefined
      ? `Commit ${short(commit)} was built before`
      : `The files of commit ${short(commit)} were built before, as those of ${short(madeOf)}`;
  return `${what}: ${destination.tags.join(', ')} of ${destination.store.repository} name that image, and Nix was not needed.`;
}
