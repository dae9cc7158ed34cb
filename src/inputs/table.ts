import type { Compression } from '../image/types.ts';
import type { AuditLimit, InstallNix } from './settings.ts';

/**
 * The one place where inputs and outputs are defined. `action.yml`, the command line's flags, the
 * reference in the README and the parser all come from these tables.
 */

/** What a raw text may hold; see `values.ts` for the readers. */
export type InputType =
  | 'text'
  /** `true` or `false`; on the command line `--name` and `--no-name`. */
  | 'boolean'
  /** One of `choices`. */
  | 'choice'
  /** A file or folder; relative to the folder in which the program was started. */
  | 'path'
  /** Entries by lines or commas; `#` begins a comment line. */
  | 'list'
  /** Entries by lines only, since a value may hold commas; `#` begins a comment line. */
  | 'lines'
  /** `key=value` by lines; `#` begins a comment line. */
  | 'pairs';

/** One input of the action, which is one flag of the command line. */
export interface InputDefinition {
  name: string;
  type: InputType;
  description: string;
  /** As text; absent: there is none, and the program decides. */
  default?: string;
  choices?: readonly string[];
  /** Masked in logs, and never a flag: the command line takes it from `variableOf(name)` alone. */
  secret?: true;
  /** The command line takes it from `variableOf(name)` where the flag is not given. */
  variable?: true;
  /** Where it is given: by default both in a workflow and on the command line. */
  only?: 'action';
  /** The verbs that read it; absent: all. */
  verbs?: readonly VerbName[];
}

/** The verbs: values of the input `command`, and subcommands of the command line. */
export const verbs = {
  build: {
    summary: 'Build an image layer by layer and push what the registry does not hold yet',
    positional: ['flake'],
  },
  setup: {
    summary: 'Set Nix up with its caches, for later steps that build something else',
    positional: [],
  },
  prefetch: {
    summary: 'Pin the wheels and sources that wheels.toml asks for in wheels.lock.json',
    positional: [],
  },
  audit: {
    summary: "Tell where an image's packages come from, and what of it will hurt; builds nothing",
    positional: ['flake'],
  },
  copy: {
    summary: 'Copy an image of any kind to a registry, an OCI layout or a docker-archive',
    positional: ['source', 'destination'],
  },
} as const satisfies Record<string, { summary: string; positional: readonly string[] }>;

export type VerbName = keyof typeof verbs;

/** Choices of `compression`. */
export const compressions = ['zstd', 'gzip', 'none'] as const satisfies readonly Compression[];

/** Choices of `install-nix`. */
export const nixSources = [
  'auto',
  'release',
  'system',
  'none',
] as const satisfies readonly InstallNix[];

/** Choices of `audit-fail-on`. */
export const auditLimits = ['never', 'error', 'warning'] as const satisfies readonly AuditLimit[];

/** Choices of what the program can decide by itself. */
export const automatic = ['auto', 'true', 'false'] as const;

export const inputs = [
  {
    name: 'command',
    type: 'choice',
    choices: Object.keys(verbs),
    description: 'What to do.',
    default: 'build',
    only: 'action',
  },
  {
    name: 'flake',
    type: 'text',
    description:
      'The image to build, as a flake reference with an attribute. ' +
      'Without it `.#comfyui` is built, else `.#default`.',
    verbs: ['build', 'audit'],
  },
  {
    name: 'source',
    type: 'text',
    description:
      'The image to copy: a reference, `oci:DIR` or `oci:DIR:TAG`, `docker-archive:FILE`, or a path ' +
      'that Nix has built: the result of streamLayeredImage, buildLayeredImage, buildImage, ' +
      'nix2container, or any program that writes a docker-archive.',
    verbs: ['copy'],
  },
  {
    name: 'destination',
    type: 'text',
    description:
      'Where `copy` puts it: a reference with or without a tag, `oci:DIR`, `docker-archive:FILE`, ' +
      'or `-` (a docker-archive on standard output).',
    verbs: ['copy'],
  },
  {
    name: 'layers',
    type: 'list',
    description:
      'Names of the layers to build and time; all of them when empty. ' +
      'It never changes what the image holds.',
    verbs: ['build'],
  },
  {
    name: 'override-inputs',
    type: 'pairs',
    description: 'Inputs of the flake to replace, as lines `name=flake-reference`.',
    verbs: ['build', 'audit'],
  },
  {
    name: 'working-directory',
    type: 'path',
    description: 'The folder in which flake references are resolved.',
    default: '.',
  },
  {
    name: 'image',
    type: 'text',
    description:
      'Where the image goes: a registry repository (`ghcr.io/owner/name`), `oci:DIR` (an OCI ' +
      'image layout), `docker-archive:FILE`, or `-` (a docker-archive on standard output). ' +
      'The action needs it in order to push; the command line writes `oci:NAME-image` without it.',
    verbs: ['build'],
  },
  {
    name: 'tags',
    type: 'list',
    description:
      'Tags by lines or commas, bare (`cu130`) or as full references ' +
      '(`ghcr.io/owner/name:cu130`), which then also say the image. ' +
      'Without any the tag of the recipe is used.',
    verbs: ['build', 'copy'],
  },
  {
    name: 'labels',
    type: 'pairs',
    description: 'Labels of the image, as lines `key=value`. They are part of the image config.',
    verbs: ['build'],
  },
  {
    name: 'annotations',
    type: 'pairs',
    description:
      'Annotations of the manifest, as lines `key=value`. The place for what changes per commit.',
    verbs: ['build'],
  },
  {
    name: 'push',
    type: 'boolean',
    description:
      'Whether the image is pushed. By default it is, except by pull requests. ' +
      'Code from a fork never pushes.',
    verbs: ['build', 'copy'],
  },
  {
    name: 'trust-event',
    type: 'list',
    description:
      'Events of a workflow that are taken for code of this repository although this program cannot ' +
      'tell whose code they run, such as `merge_group`: see docs/events.md.',
  },
  {
    name: 'registry-username',
    type: 'text',
    description: "User name for the registry. Without it Docker's config.json is asked.",
    variable: true,
    verbs: ['build', 'copy'],
  },
  {
    name: 'registry-password',
    type: 'text',
    description: 'Password or token for the registry.',
    secret: true,
    verbs: ['build', 'copy'],
  },
  {
    name: 'github-token',
    type: 'text',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's, not of ours
    default: '${{ github.token }}',
    description:
      "Token for the container registry of the job's own GitHub (ghcr.io) where no other " +
      'credentials are given (the job needs `packages: write`), for flake inputs from that GitHub, ' +
      'and for its API, which `prefetch` asks. No other server gets it.',
    secret: true,
  },
  {
    name: 'compression',
    type: 'choice',
    choices: compressions,
    description:
      'How layers are compressed. zstd needs Docker 23, containerd 1.5 or podman 4 to be pulled, ' +
      'or newer ones.',
    default: 'zstd',
    verbs: ['build', 'copy', 'prefetch'],
  },
  {
    name: 'record',
    type: 'path',
    description:
      "File for the run's record in JSON; its format is `docs/record.schema.json`. " +
      '`audit` writes what is the field `audit` there.',
    verbs: ['build', 'audit'],
  },
  {
    name: 'install-nix',
    type: 'choice',
    choices: nixSources,
    description:
      'How Nix is installed: `auto` takes the one that is there, else the official release, else ' +
      "the distribution's; `release` or `system` take that one only; `none` installs nothing.",
    default: 'auto',
    verbs: ['build', 'setup', 'audit'],
  },
  {
    name: 'nix-version',
    type: 'text',
    description: 'Version of the release to install. Without it the newest that is pinned here.',
    verbs: ['build', 'setup', 'audit'],
  },
  {
    name: 'nix-release-url',
    type: 'text',
    description:
      'Address of the release tarball, or of a folder with the official file names: a mirror. ' +
      '`file:` works as well.',
    verbs: ['build', 'setup', 'audit'],
  },
  {
    name: 'nix-release-sha256',
    type: 'text',
    description: 'The tarball’s sha256, hex or SRI, for a version that is not pinned here.',
    verbs: ['build', 'setup', 'audit'],
  },
  {
    name: 'cuda-caches',
    type: 'boolean',
    default: 'true',
    description:
      'Whether the public caches with CUDA builds are used: cache.nixos-cuda.org, cache.flox.dev ' +
      'and nix-community.cachix.org, as far as they answer.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'extra-substituters',
    type: 'lines',
    description: 'More binary caches to take built packages from, one address a line.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'extra-trusted-public-keys',
    type: 'lines',
    description: 'Their keys, one `name:key` a line.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'nix-conf',
    type: 'lines',
    description: 'Lines for nix.conf, as they are. They win over all that this program says there.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'access-tokens',
    type: 'lines',
    secret: true,
    description:
      'Tokens for private flake inputs, as lines `host=token`. For the GitHub that runs a job the ' +
      "job's own token is used where none is given.",
    verbs: ['build', 'setup'],
  },
  {
    name: 'trusted-users',
    type: 'list',
    description:
      'More users to whom the Nix daemon of the machine listens. Who runs this is one of them ' +
      'where sudo allows it.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'max-jobs',
    type: 'text',
    description:
      'Derivations that are built at the same time, or `auto`: one for each core. Without it as ' +
      'many as nix.conf says, else as the memory allows.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cores',
    type: 'text',
    description:
      'Cores for each derivation; 0 means all. Without it as nix.conf says, else by the memory.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-name',
    type: 'list',
    description: 'Cachix caches to take from, and to push to what is built.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-auth-token',
    type: 'lines',
    secret: true,
    description: 'Cachix token, or a line `name=token` for each cache.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-signing-key',
    type: 'lines',
    secret: true,
    description:
      'Cachix signing key, or a line `name=key` for each cache that has a key of its own.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-push',
    type: 'choice',
    choices: ['true', 'false', 'required'],
    description:
      'Whether what is built is pushed to the caches of `cachix-name`; `required` makes a push that ' +
      'fails an error. By default it is pushed where there is a token or a key.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-push-filter',
    type: 'text',
    description: 'A regular expression: store paths that match it are not pushed to Cachix.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'cachix-pull',
    type: 'list',
    description: 'More Cachix caches to take from only.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'binary-caches',
    type: 'lines',
    description:
      'Binary caches that get what is built, one a line: `s3://`, `file://`, `http(s)://` with PUT, ' +
      '`ssh-ng://`, all that `nix copy --to` takes.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'binary-cache-signing-key',
    type: 'text',
    secret: true,
    description: 'The Nix signing key (`name:key`) for what goes there.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'builders',
    type: 'lines',
    description:
      'Machines that build for this one, in the syntax of `builders` in nix.conf, one a line.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'builder-ssh-key',
    type: 'text',
    secret: true,
    description: 'Private SSH key for these machines.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'builder-known-hosts',
    type: 'lines',
    description:
      'Their host keys, as lines of known_hosts. A machine whose key is not known is refused.',
    verbs: ['build', 'setup'],
  },
  {
    name: 'github-cache',
    type: 'choice',
    choices: automatic,
    description:
      "Whether GitHub's cache of the repository keeps the Nix release, Nix's own caches and what was " +
      'built for each layer, for later runs. `auto` uses it where there is one.',
    default: 'auto',
    verbs: ['build', 'setup'],
  },
  {
    name: 'github-cache-limit',
    type: 'text',
    description: 'The most that one run saves there: bytes, or with `KiB`, `MiB`, `GiB`.',
    default: '2GiB',
    verbs: ['build', 'setup'],
  },
  {
    name: 'reclaim-disk',
    type: 'choice',
    choices: automatic,
    description:
      'Whether what hosted runners carry and this job does not use is removed: `auto` only where ' +
      'space is short, and only on a hosted runner; `true` always, on any machine.',
    default: 'auto',
    verbs: ['build', 'setup'],
  },
  {
    name: 'accept-flake-config',
    type: 'boolean',
    description:
      "Whether the flake's `nixConfig` is accepted. It can run code as root: say so only for " +
      'flakes that you trust.',
    default: 'false',
    verbs: ['build', 'audit'],
  },
  {
    name: 'reuse',
    type: 'boolean',
    description:
      'Whether layers that the registry remembers are reused. `false` builds everything again ' +
      'and says which layers differ.',
    default: 'true',
    verbs: ['build'],
  },
  {
    name: 'max-layer-size',
    type: 'text',
    description:
      'The most that a blob holds (uncompressed: bytes, or with `KiB`, `MiB`, `GiB`), a larger single ' +
      'store path excepted. Layers of more than a quarter of it are split, so that they are pulled ' +
      'in parallel and a changed package moves few bytes.',
    default: '1GiB',
    verbs: ['build'],
  },
  {
    name: 'cache-tag',
    type: 'text',
    description:
      "The tag at which the image's repository keeps its memory. " +
      'Without it `cache-NAME-TAG-ARCHITECTURE`, of the recipe.',
    verbs: ['build'],
  },
  {
    name: 'cache-from',
    type: 'lines',
    description:
      'More memories to learn from, one reference a line, also as `type=registry,ref=REFERENCE`.',
    verbs: ['build'],
  },
  {
    name: 'all-targets',
    type: 'boolean',
    description: 'Whether targets that no layer ships (downloads, for one) are built as well.',
    default: 'false',
    verbs: ['build'],
  },
  {
    name: 'wheels',
    type: 'path',
    description: 'The file that says which wheels and sources are wanted.',
    default: 'wheels.toml',
    verbs: ['prefetch'],
  },
  {
    name: 'lock',
    type: 'path',
    description: 'The file in which `prefetch` pins them.',
    default: 'wheels.lock.json',
    verbs: ['prefetch'],
  },
  {
    name: 'verify',
    type: 'boolean',
    description: 'Whether `prefetch` downloads everything and compares it with the digests.',
    default: 'false',
    verbs: ['prefetch'],
  },
  {
    name: 'check',
    type: 'boolean',
    description:
      'Whether nothing is changed: `prefetch` fails where the lock is not what it would write; `setup` ' +
      'says what it would write where, and what is in effect.',
    default: 'false',
    verbs: ['prefetch', 'setup'],
  },
  {
    name: 'undo',
    type: 'boolean',
    description:
      'Whether `setup` takes back what it has written on this machine for this account. A job takes ' +
      'back by itself what it has written.',
    default: 'false',
    verbs: ['setup'],
  },
  {
    name: 'audit',
    type: 'boolean',
    description:
      "Whether the report says where the image's packages come from (nixpkgs, wheels, pinned " +
      'sources, the network) and what will hurt.',
    default: 'true',
    verbs: ['build'],
  },
  {
    name: 'audit-fail-on',
    type: 'choice',
    choices: auditLimits,
    description:
      'From which findings of the audit on a run fails, before anything is built: `error`, ' +
      '`warning` (and errors), or `never`.',
    default: 'never',
    verbs: ['build', 'audit'],
  },
] as const satisfies readonly InputDefinition[];

export type InputName = (typeof inputs)[number]['name'];

/** Inputs as given, before they are read; an empty text is no value. */
export type RawInputs = Readonly<Partial<Record<InputName, string>>>;

/** The environment variable from which the command line takes a secret input. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

/** The definition of an input; a name that is not in the table is a defect. */
export function inputNamed(name: InputName): InputDefinition {
  const all: readonly InputDefinition[] = inputs;
  const found = all.find(input => input.name === name);
  if (found === undefined) throw new Error(`The table of inputs lacks ${name}.`);
  return found;
}

/** The definitions that a verb reads, in the order of the table. */
export function inputsOf(verb: VerbName): InputDefinition[] {
  const all: readonly InputDefinition[] = inputs;
  return all.filter(input => input.verbs === undefined || input.verbs.includes(verb));
}

/** The action's outputs. */
export const outputs = [
  { name: 'name', description: 'The repository, without tag or digest.' },
  { name: 'digest', description: "The manifest's digest; empty when nothing was pushed." },
  { name: 'ref', description: '`name@digest`, for later steps; empty when nothing was pushed.' },
  { name: 'tags', description: 'The tags that point at it, by lines.' },
  {
    name: 'layers',
    description: 'JSON list of layers: `name`, `origin`, `seconds`, `size`, `sent` (bytes).',
  },
  { name: 'timings', description: 'JSON object: seconds of each phase, and `total`.' },
  { name: 'record', description: "The record's file, when the input `record` names one." },
  { name: 'changed', description: 'Whether `prefetch` changed the lock: `true` or `false`.' },
  { name: 'changes', description: 'What `prefetch` changed, as a Markdown list.' },
  {
    name: 'findings',
    description: 'JSON list of what the audit found: `rule`, `severity`, `message`, `layer` …',
  },
  {
    name: 'reproducible',
    description: "The share of the packages that is pinned, in percent: the audit's.",
  },
] as const;

export type OutputName = (typeof outputs)[number]['name'];
