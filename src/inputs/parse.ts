import { resolve } from 'node:path';
import type { GitHubContext, RunContext } from './context.ts';
import { checkTag, isLocalImage, readCopyDestination, readDestination } from './destination.ts';
import type { BuildSettings, CopySettings, NixSettings, RegistryCredentials } from './settings.ts';
import { compressions, type InputName, inputNamed, nixSources, type RawInputs } from './table.ts';
import {
  badInput,
  quote,
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
  const { image, tags } = readDestination(text('image') ?? '', text('tags') ?? '');
  const cacheTag = text('cache-tag');
  const record = text('record');
  return {
    nix: parseNix(raw),
    flake: text('flake'),
    layers: readList(text('layers') ?? ''),
    overrideInputs: readPairs('override-inputs', text('override-inputs') ?? '').map(
      ([input, flake]) => ({ input, flake }),
    ),
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
    recordFile: record === undefined ? undefined : resolve(context.currentDirectory, record),
    temporaryDirectory: context.temporaryDirectory,
  };
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

function required(raw: RawInputs, name: InputName): string {
  const text = given(raw, name);
  if (text !== undefined) return text;
  throw badInput(name, 'it is missing.', 'Usage: comfy-nix copy SOURCE DESTINATION');
}

function parseNix(raw: RawInputs): NixSettings {
  const version = given(raw, 'nix-version');
  if (version !== undefined && !/^\d+(\.\d+)+$/.test(version)) {
    throw badInput('nix-version', `expected a version such as 2.34.8; found ${quote(version)}.`);
  }
  const sha256 = given(raw, 'nix-release-sha256');
  if (sha256 !== undefined && !/^([0-9a-f]{64}|sha256-[A-Za-z0-9+/]{43}=)$/i.test(sha256)) {
    throw badInput(
      'nix-release-sha256',
      `expected 64 hex digits or sha256-… in base64; found ${quote(sha256)}.`,
    );
  }
  return {
    installNix: readChoice('install-nix', given(raw, 'install-nix') ?? '', nixSources),
    nixVersion: version,
    nixReleaseUrl: given(raw, 'nix-release-url'),
    nixReleaseSha256: sha256,
    acceptFlakeConfig: flag(raw, 'accept-flake-config'),
  };
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

/** The trimmed text of an input, or its default; undefined when there is neither. */
function given(raw: RawInputs, name: InputName): string | undefined {
  const value = raw[name]?.trim();
  if (value !== undefined && value !== '') return value;
  const input = inputNamed(name);
  // a secret's default is an expression that only GitHub can fill in
  return input.secret ? undefined : input.default;
}

function flag(raw: RawInputs, name: InputName): boolean {
  return readBoolean(name, given(raw, name) ?? '') ?? false;
}
