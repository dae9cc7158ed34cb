import {
  automatic,
  choice,
  type InputDefinition,
  lines,
  linesAs,
  list,
  text,
  textAs,
} from '../definition.ts';
import {
  readAccessTokens,
  readReleaseAddress,
  readSha256,
  readVersion,
  readWholeNumber,
} from '../nix-values.ts';

/** Which Nix is used, with which settings, on which machines. */
export const nixInputs = {
  'install-nix': {
    reader: choice(['auto', 'release', 'system', 'none']),
    description:
      'How Nix is installed: `auto` takes the one that is there, else the official release, else ' +
      "the distribution's; `release` or `system` take that one only; `none` installs nothing.",
    default: 'auto',
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'nix-version': {
    reader: textAs(readVersion),
    description: 'Version of the release to install. Without it the newest that is pinned here.',
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'nix-release-url': {
    reader: textAs(readReleaseAddress),
    description:
      'Address of the release tarball, or of a folder with the official file names: a mirror. ' +
      '`file:` works as well.',
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'nix-release-sha256': {
    reader: textAs(readSha256),
    description: 'The tarball’s sha256, hex or SRI, for a version that is not pinned here.',
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'nix-conf': {
    reader: lines,
    description: 'Lines for nix.conf, as they are. They win over all that this program says there.',
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'access-tokens': {
    reader: linesAs(readAccessTokens),
    secret: true,
    description:
      'Tokens for private flake inputs, as lines `host=token`. For the GitHub that runs a job the ' +
      "job's own token is used where none is given.",
    verbs: ['build', 'plan', 'why', 'setup', 'audit'],
  },
  'trusted-users': {
    reader: list,
    description:
      'More users to whom the Nix daemon of the machine listens. Who runs this is one of them ' +
      'where sudo allows it.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'max-jobs': {
    reader: textAs((name, number) => (number === 'auto' ? number : readWholeNumber(name, number))),
    description:
      'Derivations that are built at the same time, or `auto`: one for each core. Without it as ' +
      'many as nix.conf says, else as the memory allows.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  cores: {
    reader: textAs(readWholeNumber),
    description:
      'Cores for each derivation; 0 means all. Without it as nix.conf says, else by the memory.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  builders: {
    reader: lines,
    description:
      'Machines that build for this one, one a line, in the syntax that nix.conf has for them.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'builder-ssh-key': {
    reader: text,
    secret: true,
    description: 'Private SSH key for these machines.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'builder-known-hosts': {
    reader: lines,
    description:
      'Their host keys, as lines of known_hosts. A machine whose key is not known is refused.',
    verbs: ['build', 'plan', 'why', 'setup'],
  },
  'reclaim-disk': {
    reader: automatic,
    description:
      'Whether what hosted runners carry and this job does not use is removed: `auto` only where ' +
      'space is short, and only on a hosted runner; `true` always, on any machine.',
    default: 'auto',
    verbs: ['build', 'setup'],
  },
} as const satisfies Record<string, InputDefinition>;
