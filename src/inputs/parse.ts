import { resolve } from 'node:path';
import type { GitHubContext, RunContext } from './context.ts';
import { checkTag, isLocalImage, readCopyDestination, readDestination } from './destination.ts';
import { flag, given } from './given.ts';
import type {
  AuditSettings,
  BuildSettings,
  CopySettings,
  PrefetchSettings,
  RegistryCredentials,
} from './settings.ts';
import { parseNix, parseSetup } from './setup.ts';
import { auditLimits, compressions, type InputName, type RawInputs } from './table.ts';
import {
  badInput,
  readBoolean,
  readCacheReference,
  readChoice,
  readLines,
  readList,
  readPairs,
  readSize,
} from './values.ts';

/** What a run may do to a registry, and why. */
type Permission = Pick<BuildSettings, 'push' | 'pushRefusal' | 'writeMemory'>;

/**
 * Reads the inputs of the verb `build`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseBuild(raw: RawInputs, context: RunContext): BuildSettings {
  const text = (name: InputName) => given(raw, name);
  const setup = parseSetup(raw, context);
  const { image, tags } = readDestination(text('image') ?? '', text('tags') ?? '');
  const cacheTag = text('cache-tag');
  const record = text('record');
  return {
    ...setup,
    // a build leaves no settings behind; later steps of its job have them too
    conf: { ...setup.conf, place: context.face === 'action' ? 'job' : 'run' },
    task: 'write',
    flake: text('flake'),
    layers: readList(text('layers') ?? ''),
    overrideInputs: parseOverrides(raw),
    workingDirectory: resolve(context.currentDirectory, text('working-directory') ?? '.'),
    image,
    defaultImage: context.face === 'action' ? 'required' : 'oci-layout',
    tags,
    labels: Object.fromEntries(readPairs('labels', text('labels') ?? '')),
    repositoryLabels: repositoryLink(context.github),
    annotations: {
      ...repositoryLink(context.github),
      ...commit(context.github),
      ...Object.fromEntries(readPairs('annotations', text('annotations') ?? '')),
    },
    ...permission(readBoolean('push', text('push') ?? ''), isLocal(image, context), context.github),
    credentials: parseCredentials(raw, context.github),
    fromFork: context.github?.fork !== undefined,
    compression: readChoice('compression', text('compression') ?? '', compressions),
    reuse: flag(raw, 'reuse'),
    cacheTag: cacheTag === undefined ? undefined : checkTag('cache-tag', cacheTag),
    cacheFrom: readLines(text('cache-from') ?? '').map(line =>
      readCacheReference('cache-from', line),
    ),
    maxLayerSize: readSize('max-layer-size', text('max-layer-size') ?? ''),
    allTargets: flag(raw, 'all-targets'),
    audit: flag(raw, 'audit'),
    auditFailOn: readChoice('audit-fail-on', text('audit-fail-on') ?? '', auditLimits),
    recordFile: record === undefined ? undefined : resolve(context.currentDirectory, record),
  };
}

/**
 * Reads the inputs of the verb `audit`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseAudit(raw: RawInputs, context: RunContext): AuditSettings {
  const record = given(raw, 'record');
  return {
    nix: parseNix(raw),
    flake: given(raw, 'flake'),
    overrideInputs: parseOverrides(raw),
    workingDirectory: resolve(context.currentDirectory, given(raw, 'working-directory') ?? '.'),
    auditFailOn: readChoice('audit-fail-on', given(raw, 'audit-fail-on') ?? '', auditLimits),
    recordFile: record === undefined ? undefined : resolve(context.currentDirectory, record),
  };
}

function parseOverrides(raw: RawInputs): { input: string; flake: string }[] {
  const pairs = readPairs('override-inputs', given(raw, 'override-inputs') ?? '');
  return pairs.map(([input, flake]) => ({ input, flake }));
}

/**
 * Reads the inputs of the verb `copy`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseCopy(raw: RawInputs, context: RunContext): CopySettings {
  const { image, tags } = readCopyDestination(
    required(raw, 'destination'),
    given(raw, 'tags') ?? '',
  );
  const asked = readBoolean('push', given(raw, 'push') ?? '');
  const { pushRefusal } = permission(asked, isLocal(image, context), context.github);
  return {
    source: required(raw, 'source'),
    destination: { image, tags },
    compression: readChoice('compression', given(raw, 'compression') ?? '', compressions),
    credentials: parseCredentials(raw, context.github),
    fromFork: context.github?.fork !== undefined,
    workingDirectory: resolve(context.currentDirectory, given(raw, 'working-directory') ?? '.'),
    refusal: pushRefusal,
  };
}

/**
 * Reads the inputs of the verb `prefetch`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parsePrefetch(raw: RawInputs, context: RunContext): PrefetchSettings {
  const path = (name: InputName) => resolve(context.currentDirectory, given(raw, name) ?? '');
  return {
    wheelsFile: path('wheels'),
    lockFile: path('lock'),
    verify: flag(raw, 'verify'),
    check: flag(raw, 'check'),
    githubToken: context.github?.fork === undefined ? given(raw, 'github-token') : undefined,
    temporaryDirectory: context.temporaryDirectory,
  };
}

function required(raw: RawInputs, name: InputName): string {
  const text = given(raw, name);
  if (text !== undefined) return text;
  throw badInput(name, 'it is missing.', 'Usage: comfy-nix copy SOURCE DESTINATION');
}

/** Code from a fork gets no credentials, whatever the workflow hands in. */
function parseCredentials(raw: RawInputs, github: GitHubContext | undefined): RegistryCredentials {
  if (github?.fork !== undefined) return { anonymous: true };
  const username = given(raw, 'registry-username');
  const password = given(raw, 'registry-password');
  if (username !== undefined && password === undefined) {
    throw badInput('registry-password', 'it is empty, but registry-username is given.');
  }
  if (username === undefined && password !== undefined) {
    throw badInput('registry-username', 'it is empty, but registry-password is given.');
  }
  return { username, password, githubToken: given(raw, 'github-token') };
}

/** Pull requests do not push unless told to, and never write the memory; forks do neither. */
function permission(
  asked: boolean | undefined,
  local: boolean,
  github: GitHubContext | undefined,
): Permission {
  if (local || github === undefined) return allowed(asked ?? true);
  if (github.fork !== undefined) {
    return refused(
      `Nothing is pushed and no secret is used: the code comes from ${github.fork}, ` +
        `not from ${github.repository}.`,
    );
  }
  if (!github.pullRequest) return allowed(asked ?? true);
  if (asked === true) return { push: true, writeMemory: false };
  return asked === false
    ? allowed(false)
    : refused(
        'Nothing is pushed, since this is a pull request; the input push: true changes that.',
      );
}

/** Whether the image stays on this machine, where nobody else is written to. */
function isLocal(image: string | undefined, context: RunContext): boolean {
  return image === undefined ? context.face === 'command-line' : isLocalImage(image);
}

function allowed(push: boolean): Permission {
  return push
    ? { push, writeMemory: true }
    : refused('Nothing is pushed, since the input push is false.');
}

function refused(pushRefusal: string): Permission {
  return { push: false, pushRefusal, writeMemory: false };
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
