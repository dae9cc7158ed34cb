import { resolve } from 'node:path';
import { Failure } from '../host/failure.ts';

/** Lines of Nix's own message that are shown; its end says most. */
const shownLines = 40;

/** Whether Nix says that a flake has no such attribute. */
export const isMissingAttribute = (errors: readonly string[]): boolean =>
  errors.some(error => error.includes('does not provide attribute'));

/** The failure of flakes that have none of the attributes asked for; with what Nix proposes. */
export function missingAttribute(
  installables: readonly string[],
  errors: readonly string[],
): Failure {
  const similar = errors.flatMap(error => /Did you mean ([^?]*)\?/.exec(error)?.[1] ?? []);
  const [flake = '.'] = (installables[0] ?? '.').split('#');
  return new Failure(`The flake has no target ${installables.join(', nor ')}.`, {
    tried: 'Nix looked for it among packages, legacyPackages and the top-level attributes.',
    next:
      similar.length > 0
        ? `Did you mean ${similar.join(', ')}? nix flake show ${flake} lists all.`
        : `Name one that nix flake show ${flake} lists.`,
    evidence: lastLines(errors),
  });
}

/**
 * The failure of an evaluation, from Nix's errors (texts without colours, oldest first). The causes
 * that have a remedy are named with it; any other is shown as Nix tells it.
 */
export function evaluationFailure(
  installable: string,
  errors: readonly string[],
  { cwd, overrideInputs = [] }: EvaluatedAt,
): Failure {
  const text = errors.join('\n');
  const flake = installable.split('#')[0] || '.';
  const known = explanations.find(({ sign }) => sign.test(text));
  const { message, next } = known?.explain(flake, text, cwd, overrideInputs) ?? {
    message: `${installable} cannot be evaluated.`,
    next: `nix eval --show-trace '${installable}' shows where it comes from.`,
  };
  const evidence = known?.hidesText ? [] : lastLines(errors);
  return new Failure(message, { next, evidence, tried: `nix eval was run in ${cwd}.` });
}

/** What an evaluation was asked for besides the installable. */
interface EvaluatedAt {
  cwd: string;
  overrideInputs?: Overrides;
}

type Overrides = readonly { input: string; flake: string }[];

interface Explanation {
  /** What in Nix's messages tells this cause. */
  sign: RegExp;
  /** Nix's own text is of no use: a page of another program's usage, for one. */
  hidesText?: boolean;
  explain(
    flake: string,
    text: string,
    cwd: string,
    overrides: Overrides,
  ): { message: string; next: string };
}

/** Nix looked for a folder of the machine, not of the store, and names it. */
const missingFolder =
  /^\s*error:\s+(?:getting status of|path) ["']?(\/(?!nix\/store)[^"'\n]*)["']?:? .*(?:No such file|does not exist)/m;

/** The folder that a reference to one means. */
const folderOf = (reference: string, cwd: string): string =>
  resolve(cwd, reference.replace(/^path:/, '').replace(/[?#].*$/, ''));

const explanations: readonly Explanation[] = [
  {
    // 2.8 lets git complain; newer ones use libgit2. An older git says it is outside any repository.
    sign: /is not owned by current user|dubious ownership|Not a git repository. Use --no-index/,
    hidesText: true,
    explain: (flake, text, cwd) => {
      const named = /(?:repository path|repository at) '([^']+)'/.exec(text)?.[1];
      const folder = (named ?? resolve(cwd, flake)).replace(/\/(\.git\/?)?$/, '');
      return {
        message: `The checkout ${folder} belongs to another user, so git refuses to read it.`,
        next: `git config --global --add safe.directory ${folder}`,
      };
    },
  },
  {
    sign: /executing '?"?git|program '?"?git'?"? .*not found|cannot find.* git\b/,
    explain: flake => ({
      message: `git is missing, and Nix needs it to read the flake ${flake}.`,
      next: 'Install git and run the command again.',
    }),
  },
  {
    // where a checkout or a file system ends, Nix looks no further
    sign: /(?:could not|unable to) find a flake|is not part of a flake|flake\.nix'?(?:: No such file| does not exist)/,
    explain: (flake, _, cwd) => ({
      message: `There is no flake.nix in ${/^[./]/.test(flake) ? resolve(cwd, flake) : flake}.`,
      next: 'Name the folder that has one. In a git checkout it must be known to git: git add it.',
    }),
  },
  {
    sign: missingFolder,
    explain: (flake, text, cwd, overrides) => {
      // newer ones double the first slash, and take a `path:` that they cannot read for a folder's name
      const named = (missingFolder.exec(text)?.[1] ?? '').replace(/^.*\/path:|^\/(?=\/)/, '');
      const at = named.startsWith('/') ? named : resolve(cwd, named);
      const override = overrides.find(each => folderOf(each.flake, cwd) === at);
      return override
        ? {
            message: `The input ${override.input} is to be ${override.flake}, and there is nothing at ${at}.`,
            next: `Check the path that \`override-inputs\` gives for ${override.input}.`,
          }
        : {
            message: `There is no flake at ${at}.`,
            next: `Check the path of ${flake}, and that the repository was checked out before.`,
          };
    },
  },
  {
    sign: /' is not a valid URL/,
    explain: (flake, text) => ({
      message: `This Nix cannot read the address ${/'([^'\n]*)' is not a valid URL/.exec(text)?.[1] ?? flake}.`,
      next:
        'Blanks and other special characters in paths need a newer Nix; with this one, start in that ' +
        'folder and call it ".", or give it another name.',
    }),
  },
  {
    sign: /cannot find flake 'flake:|unable to download .*flake-registry/,
    explain: flake => ({
      message: `${flake} is in no flake registry that can be reached.`,
      next: `If it is a folder, write ./${flake}.`,
    }),
  },
];

function lastLines(errors: readonly string[]): string[] {
  const lines = errors.flatMap(error => error.split('\n')).filter(line => line.trim() !== '');
  return lines.slice(-shownLines);
}
