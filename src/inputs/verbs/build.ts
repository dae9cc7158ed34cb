import { resolve } from 'node:path';
import { elsewhereNotice, movedNotice, sortLabels } from '../annotations.ts';
import type { GitHubContext, RunContext } from '../context.ts';
import { joinDestination } from '../destination.ts';
import { parse, type Values } from '../parse.ts';
import type { BuildSettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';
import { badInput } from '../values.ts';
import { readCredentials } from './credentials.ts';
import { checkStandardOutput, permission } from './permission.ts';
import { readPreparation } from './preparation.ts';

/**
 * Reads the inputs of the verb `build`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseBuild(raw: RawInputs, context: RunContext): BuildSettings {
  const values = parse('build', trustedInputs(raw, context.github));
  const { flake, layers, allTargets, overrideInputs, acceptFlakeConfig, ...image } = values;
  const { workingDirectory, maxLayerSize, compression, reuse, cacheFrom, ...place } = image;
  const { image: repository, tags, cacheTag, push, labels, annotations, ...rest } = place;
  const { record, audit, auditFailOn, limits, limitsMode, comment, dryRun, ...others } = rest;
  const { forbidBuilds, unknownBuildTime, insecureRegistries, ...further } = others;
  const { registryUsername, registryPassword, ...preparation } = further;
  const { githubToken } = preparation;
  const { currentDirectory, github } = context;
  const where = readPlace({ image: repository, tags, cacheTag, push }, context);
  const isOfJob = context.face === 'action' && !dryRun;
  const settings: BuildSettings = {
    // a build leaves no settings behind; later steps of its job have them too
    ...readPreparation(preparation, context, isOfJob ? 'job' : 'run'),
    task: 'write',
    flake,
    layers,
    allTargets,
    overrideInputs,
    acceptFlakeConfig,
    workingDirectory: resolve(currentDirectory, workingDirectory),
    maxLayerSize,
    compression,
    reuse,
    cacheFrom,
    ...where,
    ...readTexts({ labels, annotations }, where.image, github),
    credentials: readCredentials({ registryUsername, registryPassword, githubToken }, github),
    insecureRegistries,
    fromFork: github?.fork !== undefined,
    ...(github === undefined ? {} : { event: github.event }),
    compareWith: github?.compareWith ?? [],
    audit,
    auditFailOn,
    limits,
    limitsMode,
    forbidBuilds,
    unknownBuildTime,
    dryRun,
    comment,
    ...pullOf(github, githubToken),
    recordFile: record === undefined ? undefined : resolve(currentDirectory, record),
  };
  return dryRun ? writingNothing(settings) : settings;
}

/** The same for a run that only tells what it would do: nothing is written anywhere, and nobody gets anything. */
function writingNothing({ pushRefusal: _, ...settings }: BuildSettings): BuildSettings {
  const { caches } = settings;
  const { cachix, github } = caches;
  return {
    ...settings,
    push: false,
    writeMemory: false,
    caches: {
      ...caches,
      cachix: { ...cachix, push: [], required: false },
      binaryCaches: [],
      github: { ...github, save: false },
    },
  };
}

/** Code of others gets no token; without one nothing is told. */
function pullOf(
  github: GitHubContext | undefined,
  token: string | undefined,
): Pick<BuildSettings, 'pull'> {
  if (github?.pull === undefined || github.fork !== undefined || token === undefined) return {};
  return { pull: { repository: github.repository, number: github.pull, token } };
}

type PlaceValues = Pick<Values<'build'>, 'image' | 'tags' | 'cacheTag' | 'push'>;

/** Where the image goes, and whether it may. */
function readPlace(
  { cacheTag, ...values }: PlaceValues,
  context: RunContext,
): Pick<BuildSettings, 'image' | 'tags' | 'cacheTag' | 'push' | 'pushRefusal' | 'writeMemory'> {
  const { image, tags } = joinDestination(values.image, values.tags);
  const permitted = permission(values.push, image, context);
  if (image === undefined && permitted.push && context.face === 'action') {
    throw badInput(
      'image',
      'it is missing: there is nowhere to push to.',
      'Give the repository, such as `image: ghcr.io/owner/name`, or `push: false` to build only.',
    );
  }
  checkStandardOutput('image', image, context);
  if (cacheTag !== undefined && tags.includes(cacheTag)) {
    throw badInput(
      'cache-tag',
      `the tag ${cacheTag} is where the memory is kept, and cannot name the image.`,
      'Choose another tag, or another `cache-tag`.',
    );
  }
  return { image, tags, cacheTag, ...permitted };
}

/** What is written on the image: on its config what stays, on its manifest what each commit changes. */
function readTexts(
  { labels: given, annotations }: Pick<Values<'build'>, 'labels' | 'annotations'>,
  image: string | undefined,
  github: GitHubContext | undefined,
): Pick<BuildSettings, 'labels' | 'repositoryLabels' | 'annotations' | 'remarks'> {
  const { labels, moved } = sortLabels(given, image);
  const link = repositoryLink(github);
  return {
    labels,
    repositoryLabels: link,
    annotations: { ...link, ...commit(github), ...moved, ...annotations.manifest },
    remarks: [movedNotice(moved) ?? [], elsewhereNotice(annotations) ?? []].flat(),
  };
}

/** Links a package to its repository; the same for every commit, so that it may be a label. */
function repositoryLink(github: GitHubContext | undefined): Record<string, string> {
  return github === undefined ? {} : { 'org.opencontainers.image.source': github.source };
}

/** Changes with every commit, so it belongs to the manifest alone. */
function commit(github: GitHubContext | undefined): Record<string, string> {
  return github?.revision === undefined
    ? {}
    : { 'org.opencontainers.image.revision': github.revision };
}
