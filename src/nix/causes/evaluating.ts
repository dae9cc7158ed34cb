import { resolve } from 'node:path';
import type { Asked, Cause, Names } from './cause.ts';

/** Nix looked for a folder of the machine, not of the store, and names it. */
const missingFolder = {
  in: ['evaluation'],
  lines: [
    /^\s*error:\s+(?:getting status of|path) ["']?(?<folder>\/(?!nix\/store)[^"'\n]*)["']?:? [^\n]*(?:No such file|does not exist)/,
  ],
  sure: true,
} as const;

/** Of a path in a copy of a flake's folder what follows that folder. */
const inCopy =
  /["']?\/[^"'\n]*\/[0-9a-z]{32}-[^/"'\n]*\/(?<file>[^"'\n]*)["']?:? [^\n]*(?:No such file|does not exist)/
    .source;

/** The folder that is missing; newer ones double the first slash, and take an unreadable `path:` for a name. */
function folderOf({ folder = '' }: Names, cwd: string): string {
  const named = folder.replace(/^.*\/path:|^\/(?=\/)/, '');
  return named.startsWith('/') ? named : resolve(cwd, named);
}

/** The folder that a reference to one means. */
const meantBy = (reference: string, cwd: string): string =>
  resolve(cwd, reference.replace(/^path:/, '').replace(/[?#].*$/, ''));

const overrideAt = (at: string, { cwd, overrideInputs }: Asked) =>
  overrideInputs.find(({ flake }) => meantBy(flake, cwd) === at);

/** What is wrong with the place of a flake: these are told before what else Nix says. */
export const places: readonly Cause[] = [
  {
    title: 'The checkout belongs to another user',
    signs: [
      {
        in: ['evaluation'],
        // 2.8 lets git complain; newer ones use libgit2
        lines: [
          /(?:repository path|repository at) '(?<folder>[^'\n]+)'/,
          /is not owned by current user|dubious ownership/,
        ],
        sure: true,
      },
      {
        in: ['evaluation'],
        // an older git says it is outside any repository
        lines: [
          /is not owned by current user|dubious ownership|Not a git repository. Use --no-index/,
        ],
        sure: true,
      },
    ],
    hidesText: true,
    names: ({ folder }, { cwd, flake }) => ({
      folder: (folder ?? resolve(cwd, flake)).replace(/\/(\.git\/?)?$/, ''),
    }),
    cause: 'The checkout <folder> belongs to another user, so git refuses to read it.',
    remedy: 'git config --global --add safe.directory <folder>',
  },
  {
    title: 'git is missing',
    signs: [
      {
        in: ['evaluation'],
        lines: [/executing ['"]+git|program ['"]+git['"]*[^\n]*not found|cannot find[^\n]* git\b/],
        sure: true,
      },
    ],
    names: (_, { flake }) => ({ flake }),
    cause: 'git is missing, and Nix needs it to read the flake <flake>.',
    remedy: 'Install git and run the command again.',
  },
  {
    title: 'No flake.nix, or no checkout',
    signs: [
      {
        in: ['evaluation'],
        // where a checkout or a file system ends, Nix looks no further
        lines: [
          /(?:could not|unable to) find a flake|is not part of a flake|flake\.nix["']?(?:: No such file| does not exist| in the repository "[^"\n]*" is not tracked)/,
        ],
        sure: true,
      },
    ],
    names: (_, { flake, cwd }) => ({
      place: /^[./]/.test(flake) ? resolve(cwd, flake) : flake,
    }),
    cause: 'There is no flake.nix in <place>.',
    remedy:
      'Name the folder that has one. In a workflow actions/checkout comes before. In a git checkout it ' +
      'must be known to git: git add it.',
  },
  {
    title: 'An input is overridden by what is not there',
    signs: [missingFolder],
    names: (found, asked) => {
      const at = folderOf(found, asked.cwd);
      const override = overrideAt(at, asked);
      return override && { at, ...override };
    },
    cause: 'The input <input> is to be <flake>, and there is nothing at <at>.',
    remedy: 'Check the path that `override-inputs` gives for <input>.',
  },
  {
    title: 'The folder of a flake is not there',
    signs: [missingFolder],
    names: (found, { cwd, flake }) => ({ at: folderOf(found, cwd), flake }),
    cause: 'There is no flake at <at>.',
    remedy: 'Check the path of <flake>, and that the repository was checked out before.',
  },
  {
    title: 'An address that Nix cannot read',
    signs: [
      { in: ['evaluation'], lines: [/'(?<address>[^'\n]*)' is not a valid URL/], sure: true },
    ],
    cause: 'This Nix cannot read the address <address>.',
    remedy:
      'Blanks and other special characters in paths need a newer Nix; with this one, start in that ' +
      'folder and call it ".", or give it another name.',
  },
  {
    title: 'An unknown flake',
    signs: [
      {
        in: ['evaluation'],
        lines: [/cannot find flake 'flake:|unable to download [^\n]*flake-registry/],
        sure: true,
      },
    ],
    names: (_, { flake }) => ({ flake }),
    cause: '<flake> is in no flake registry that can be reached.',
    remedy: 'If it is a folder, write ./<flake>.',
  },
];

/** What is wrong in the text of a flake. */
export const evaluating: readonly Cause[] = [
  {
    title: 'A licence is not allowed (unfree)',
    signs: [
      {
        in: ['evaluation'],
        lines: [/error: Package ‘(?<package>[^’\n]*)’ in [^\n]* has an unfree license/],
        sure: true,
      },
      {
        in: ['evaluation'],
        lines: [
          /error: Refusing to evaluate package '(?<package>[^'\n]*)' in [^\n]* unfree license/,
        ],
        sure: true,
      },
    ],
    cause:
      'The licence of <package> is not free (as that of CUDA), and the flake does not allow it.',
    remedy:
      'In the flake: import nixpkgs { inherit system; config.allowUnfree = true; } in place of ' +
      'nixpkgs.legacyPackages, which allows none.',
  },
  {
    title: 'A package is known to be insecure',
    signs: [
      {
        in: ['evaluation'],
        lines: [/error: Package ‘(?<package>[^’\n]*)’ in [^\n]* is marked as insecure/],
        sure: true,
      },
      {
        in: ['evaluation'],
        lines: [/error: Refusing to evaluate package '(?<package>[^'\n]*)' in [^\n]* insecure/],
        sure: true,
      },
    ],
    cause: '<package> has known security holes, and nixpkgs refuses it.',
    remedy:
      'Take a newer nixpkgs. Who needs this one imports nixpkgs with ' +
      'config.permittedInsecurePackages = [ "<package>" ];',
  },
  {
    title: 'A package is broken, or not for this system',
    signs: [
      {
        in: ['evaluation'],
        lines: [
          /error: Package ‘(?<package>[^’\n]*)’ in [^\n]* is (?:marked as broken|not available on the requested hostPlatform|not supported on)/,
        ],
        sure: true,
      },
      {
        in: ['evaluation'],
        lines: [
          /error: Refusing to evaluate package '(?<package>[^'\n]*)' in [^\n]*(?:broken|not available on|not supported)/,
        ],
        sure: true,
      },
    ],
    cause: 'nixpkgs says that <package> does not work (on this system), and refuses it.',
    remedy:
      'Take another version of it or of nixpkgs; config.allowBroken and config.allowUnsupportedSystem ' +
      'try it all the same.',
  },
  {
    title: 'Evaluation is out of memory',
    signs: [
      {
        in: ['evaluation'],
        lines: [/^\s*error: out of memory|GC Warning: Out of Memory|std::bad_alloc/],
        sure: true,
      },
      { in: ['evaluation'], lines: [/^Nix was killed/] },
    ],
    cause: 'Evaluation needs more memory than there is.',
    remedy:
      'Use a machine with more memory, or swap; an endless list in the flake needs all that there is.',
  },
  {
    title: 'A file is not known to git',
    signs: [
      {
        in: ['evaluation'],
        lines: [/Path '(?<file>[^'\n]*)' in the repository "[^"\n]*" is not tracked by Git/],
        sure: true,
      },
      { in: ['evaluation'], lines: [/Path '(?<file>[^'\n]*)' does not exist in Git repository/] },
      {
        in: ['evaluation'],
        lines: [new RegExp(`^\\s*error: (?:getting status of|path|opening file) ${inCopy}`)],
      },
    ],
    cause: 'Nix sees those files of a checkout alone that git knows, and <file> is not among them.',
    remedy: 'git add -N <file> (where it exists at all; commit it for others).',
  },
  {
    title: 'A shallow clone',
    signs: [
      { in: ['evaluation'], lines: [/is a shallow Git repository/], sure: true },
      { in: ['evaluation'], lines: [/error: attribute 'revCount' missing/] },
      { in: ['evaluation'], lines: [/getting parent of Git commit [^\n]* object not found/] },
    ],
    cause: 'The checkout has the last commit alone, and the flake asks for its history.',
    remedy: 'Give actions/checkout `fetch-depth: 0`, or run git fetch --unshallow.',
  },
  {
    title: 'A revision is not there',
    signs: [
      {
        in: ['evaluation'],
        lines: [/Cannot find Git revision '(?<revision>[^'\n]*)'/i],
        sure: true,
      },
    ],
    cause: 'The repository has no revision <revision> on the branch that was asked for.',
    remedy:
      'Name the branch that has it (ref=), or nix flake update; of what was forced away a new one.',
  },
  {
    title: 'A name that is not there',
    signs: [
      {
        in: ['evaluation'],
        lines: [
          /error: (?:attribute|undefined variable) '(?<name>[^'\n]*)'/,
          /Did you mean (?<similar>[^?\n]*)\?/,
        ],
        sure: true,
      },
    ],
    cause: 'The flake asks for <name>, which is not there.',
    remedy: 'Did you mean <similar>?',
  },
  {
    title: 'Something of the machine is asked for',
    signs: [
      {
        in: ['evaluation'],
        lines: [/error: access to absolute path '(?<path>[^'\n]*)' is forbidden in pure/],
        sure: true,
      },
    ],
    cause: 'The flake reads <path> of this machine, and a flake may read only what is in it.',
    remedy: 'Put it into the folder of the flake (git add it), or make it an input.',
  },
];
