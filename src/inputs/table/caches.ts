import {
  automatic,
  choice,
  type InputDefinition,
  linesAs,
  list,
  text,
  textAs,
  yesOrNo,
} from '../definition.ts';
import { readAddresses, readFilter, readPublicKeys, readSecretsByName } from '../nix-values.ts';
import { readSize } from '../values.ts';

/** Where built packages come from, and where they go. */
export const cacheInputs = {
  'cuda-caches': {
    reader: yesOrNo,
    default: 'true',
    description:
      'Whether the public caches with CUDA builds are used: cache.nixos-cuda.org, cache.flox.dev ' +
      'and nix-community.cachix.org, as far as they answer.',
    without: 'Take nothing from the public caches with CUDA builds.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'extra-substituters': {
    reader: linesAs(readAddresses),
    description: 'More binary caches to take built packages from, one address a line.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'extra-trusted-public-keys': {
    reader: linesAs(readPublicKeys),
    description: 'Their keys, one `name:key` a line.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'cachix-name': {
    reader: list,
    description: 'Cachix caches to take from, and to push to what is built.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'cachix-auth-token': {
    reader: linesAs(readSecretsByName),
    secret: true,
    description: 'Cachix token, or a line `name=token` for each cache.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'cachix-signing-key': {
    reader: linesAs(readSecretsByName),
    secret: true,
    description:
      'Cachix signing key, or a line `name=key` for each cache that has a key of its own.',
    verbs: ['build', 'setup'],
  },
  'cachix-push': {
    reader: choice(['true', 'false', 'required']),
    description:
      'Whether what is built is pushed to the caches of `cachix-name`; `required` makes a push that ' +
      'fails an error. By default it is pushed where there is a token or a key.',
    verbs: ['build', 'setup'],
  },
  'cachix-push-filter': {
    reader: textAs(readFilter),
    description: 'A regular expression: store paths that match it are not pushed to Cachix.',
    verbs: ['build', 'setup'],
  },
  'cachix-pull': {
    reader: list,
    description: 'More Cachix caches to take from only.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'binary-caches': {
    reader: linesAs(readAddresses),
    description:
      'Binary caches that get what is built, one a line: `s3://`, `file://`, `http(s)://` with PUT, ' +
      '`ssh-ng://`, all that `nix copy --to` takes.',
    verbs: ['build', 'setup'],
  },
  'binary-cache-signing-key': {
    reader: text,
    secret: true,
    description: 'The Nix signing key (`name:key`) for what goes there.',
    verbs: ['build', 'setup'],
  },
  'github-cache': {
    reader: automatic,
    description:
      "Whether GitHub's cache of the repository keeps the Nix release, Nix's own caches and what was " +
      'built for each layer, for later runs. `auto` uses it where there is one.',
    default: 'auto',
    verbs: ['build', 'setup'],
  },
  'github-cache-limit': {
    reader: textAs(readSize),
    description: 'The most that one run saves there: bytes, or with `KiB`, `MiB`, `GiB`.',
    default: '2GiB',
    verbs: ['build', 'setup'],
  },
} as const satisfies Record<string, InputDefinition>;
