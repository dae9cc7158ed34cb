import type { BuilderSettings } from '../nix/builders.ts';
import type { GitHubContext, RunContext } from './context.ts';
import { flag, given } from './given.ts';
import type {
  CacheSettings,
  CachixPush,
  ConfSettings,
  NixSettings,
  SetupSettings,
} from './settings.ts';
import { automatic, type InputName, inputNamed, nixSources, type RawInputs } from './table.ts';
import { badInput, quote, readChoice, readLines, readList, readSize } from './values.ts';

/**
 * Reads the inputs of the verb `setup`, with which `build` begins too.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseSetup(raw: RawInputs, context: RunContext): SetupSettings {
  const { fork } = context.github ?? {};
  const place = context.face === 'action' ? 'job' : 'user';
  const trusted = fork === undefined ? raw : withoutPower(raw);
  return {
    nix: parseNix(trusted),
    conf: { ...parseConf(trusted, context.github), place },
    caches: parseCaches(trusted, fork === undefined),
    builders: parseBuilderInputs(trusted),
    reclaimDisk: readChoice('reclaim-disk', given(trusted, 'reclaim-disk') ?? '', automatic),
    task: parseTask(trusted),
    ...(fork === undefined ? {} : { cacheRefusal: refusalFor(fork) }),
    temporaryDirectory: context.temporaryDirectory,
  };
}

function parseTask(raw: RawInputs): SetupSettings['task'] {
  const [undo, check] = [flag(raw, 'undo'), flag(raw, 'check')];
  if (undo && check) throw badInput('undo', 'it goes with check at no time: choose one of them.');
  if (undo) return 'undo';
  return check ? 'check' : 'write';
}

/** Inputs that let a run write somewhere or use a machine; all that is secret comes to them. */
const powerful: readonly InputName[] = ['binary-caches', 'cachix-push', 'builders'];

/** What code from a fork may use: everything that is read without a secret. */
function withoutPower(raw: RawInputs): RawInputs {
  const kept = Object.entries(raw).filter(
    ([name]) => !powerful.includes(name as InputName) && !inputNamed(name as InputName).secret,
  );
  return Object.fromEntries(kept);
}

const refusalFor = (fork: string) =>
  `Caches are only read, and no token or remote builder is used: the code comes from ${fork}.`;

/** How Nix is to be had. */
export function parseNix(raw: RawInputs): NixSettings {
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

function parseConf(raw: RawInputs, github: GitHubContext | undefined): Omit<ConfSettings, 'place'> {
  return {
    lines: readLines(given(raw, 'nix-conf') ?? ''),
    accessTokens: readAccessTokens(given(raw, 'access-tokens') ?? ''),
    jobToken: github === undefined ? undefined : given(raw, 'github-token'),
    trustedUsers: readList(given(raw, 'trusted-users') ?? ''),
    maxJobs: readNumber(raw, 'max-jobs', /^(auto|\d+)$/),
    cores: readNumber(raw, 'cores', /^\d+$/),
  };
}

/** Lines `host=token`; no error repeats what may be a token. */
function readAccessTokens(text: string): { host: string; token: string }[] {
  return readLines(text).map((line, index) => {
    const [, host, token] = /^([^\s=]+)=(\S+)$/.exec(line) ?? [];
    if (host !== undefined && token !== undefined) return { host, token };
    throw badInput('access-tokens', `line ${index + 1} is not of the form host=token.`);
  });
}

function readNumber(raw: RawInputs, name: InputName, pattern: RegExp): string | undefined {
  const text = given(raw, name);
  if (text === undefined || pattern.test(text)) return text;
  throw badInput(name, `expected a whole number; found ${quote(text)}.`);
}

function parseBuilderInputs(raw: RawInputs): BuilderSettings | undefined {
  const builders = given(raw, 'builders');
  if (builders === undefined) return undefined;
  return {
    builders,
    sshKey: given(raw, 'builder-ssh-key'),
    knownHosts: given(raw, 'builder-known-hosts'),
  };
}

function parseCaches(raw: RawInputs, save: boolean): CacheSettings {
  const publicKeys = readLines(given(raw, 'extra-trusted-public-keys') ?? '').flatMap(line =>
    line.split(/\s+/),
  );
  for (const key of publicKeys) {
    if (/^[^:\s]+:[A-Za-z0-9+/]{43}=$/.test(key)) continue;
    throw badInput('extra-trusted-public-keys', `expected name:key; found ${quote(key)}.`);
  }
  return {
    cudaCaches: flag(raw, 'cuda-caches'),
    substituters: readAddresses(raw, 'extra-substituters'),
    publicKeys,
    cachix: parseCachix(raw),
    binaryCaches: readAddresses(raw, 'binary-caches'),
    signingKey: given(raw, 'binary-cache-signing-key'),
    github: {
      use: readChoice('github-cache', given(raw, 'github-cache') ?? '', automatic),
      limit: readSize('github-cache-limit', given(raw, 'github-cache-limit') ?? ''),
      save,
    },
  };
}

/** Addresses by lines or spaces; one with a password in it would be printed by Nix. */
function readAddresses(raw: RawInputs, name: InputName): string[] {
  return readLines(given(raw, name) ?? '')
    .flatMap(line => line.split(/\s+/))
    .map(address => {
      const url = URL.parse(address);
      if (url === null) throw badInput(name, `expected an address; found ${quote(address)}.`);
      if (url.password !== '') {
        throw badInput(
          name,
          `the address of ${url.host} has a password in it.`,
          'Put it into a netrc file (netrc-file in nix-conf).',
        );
      }
      return address;
    });
}

function parseCachix(raw: RawInputs): CacheSettings['cachix'] {
  const names = readList(given(raw, 'cachix-name') ?? '');
  const pull = readList(given(raw, 'cachix-pull') ?? '');
  const tokens = readByName('cachix-auth-token', given(raw, 'cachix-auth-token') ?? '');
  const keys = readByName('cachix-signing-key', given(raw, 'cachix-signing-key') ?? '');
  const wish = given(raw, 'cachix-push');
  const mode = wish === undefined ? undefined : readChoice('cachix-push', wish, pushChoices);
  const candidates: CachixPush[] = names.map(name => ({
    name,
    token: tokens(name),
    signingKey: keys(name),
  }));
  const able = candidates.filter(({ token, signingKey }) => token ?? signingKey);
  if (mode !== undefined && mode !== 'false' && able.length < names.length) {
    const unable = names.filter(name => !able.some(cache => cache.name === name));
    throw badInput('cachix-push', `there is no token and no key for ${unable.join(', ')}.`);
  }
  return {
    pull: [...new Set([...names, ...pull])].map(name => ({ name, token: tokens(name) })),
    push: mode === 'false' ? [] : able,
    filter: readFilter(given(raw, 'cachix-push-filter')),
    required: mode === 'required',
  };
}

const pushChoices = ['true', 'false', 'required'] as const;

/** A secret for all caches, or `name=secret` lines; base64 may end in `=`, names have none. */
function readByName(name: InputName, text: string): (cache: string) => string | undefined {
  const lines = readLines(text);
  const pairs = new Map<string, string>();
  let general: string | undefined;
  for (const [index, line] of lines.entries()) {
    const [, cache, secret] = /^([a-z0-9][a-z0-9-]*)=(?!=?$)(\S+)$/.exec(line) ?? [];
    if (cache !== undefined && secret !== undefined) pairs.set(cache, secret);
    else if (lines.length === 1) general = line;
    else throw badInput(name, `line ${index + 1} is not of the form name=secret.`);
  }
  return cache => pairs.get(cache) ?? general;
}

function readFilter(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw badInput('cachix-push-filter', (error as Error).message);
  }
}
