import { fetchedSource, type NameAndVersion } from './fetches.ts';
import { addressesIn, readPipCall } from './pip.ts';
import { programAndArguments, type ShellCommand } from './shell.ts';

/** A package that a script wants. */
export interface WantedPackage extends NameAndVersion {
  python: boolean;
}

/** A command that installs or downloads packages. */
export interface Install {
  /** Such as "pip install" or "git clone". */
  what: string;
  packages: readonly WantedPackage[];
  /** Files that list more Python packages, as the command names them. */
  requirementFiles: readonly string[];
  /** Every address that it names: of packages, of indexes. */
  addresses: readonly string[];
  /** It asks nobody over the network. */
  offline: boolean;
  /** It is text that a script writes, and does not run: see {@link ShellCommand}. */
  written: boolean;
}

/** The commands of a script that install or download packages. */
export function installsIn(commands: readonly ShellCommand[]): Install[] {
  const noIndex = commands.some(({ words }) => words.some(word => /^PIP_NO_INDEX=./.test(word)));
  const loops = loopsIn(commands);
  return commands.flatMap(({ words, written }) => {
    const call = programAndArguments(words);
    const found = pipInstall(call, noIndex) ?? download(call) ?? otherInstall(call);
    if (found === undefined) return [];
    const requirementFiles = found.requirementFiles.flatMap(file => loops.get(file) ?? [file]);
    return [{ ...found, requirementFiles, written }];
  });
}

/** What a loop's variable is in turn: `for list in a.txt b.txt` gives `$list` → both. */
function loopsIn(commands: readonly ShellCommand[]): Map<string, readonly string[]> {
  const loops = new Map<string, readonly string[]>();
  for (const { words } of commands) {
    const [first, name, third, ...values] = words;
    if (first !== 'for' || third !== 'in') continue;
    loops.set(`$${name}`, values);
    loops.set(`\${${name}}`, values);
  }
  return loops;
}

type Found = Omit<Install, 'written'>;

function pipInstall(call: readonly string[], noIndex: boolean): Found | undefined {
  const pip = readPipCall(call);
  if (pip === undefined) return undefined;
  return {
    what: `pip ${pip.verb}`,
    packages: pip.wanted.map(each => ({ ...each, python: true })),
    requirementFiles: pip.requirementFiles,
    addresses: pip.addresses,
    offline: pip.offline || noIndex,
  };
}

/** Programs that get what an address says; git also what its checkout remembers. */
function download([program = '', ...args]: readonly string[]): Found | undefined {
  const addresses = args.flatMap(addressesIn).filter(address => !isOwnMachine(address));
  const verb = args.find(word => !word.startsWith('-')) ?? '';
  const isGit = program === 'git' && ['clone', 'fetch', 'pull', 'submodule'].includes(verb);
  const isFetcher = ['curl', 'wget', 'aria2c'].includes(program) && addresses.length > 0;
  if (!isGit && !isFetcher) return undefined;
  const what = isGit ? `git ${verb}` : program;
  const option = args.findIndex(word => word === '-b' || word === '--branch');
  const branch = isGit && option >= 0 ? args[option + 1] : undefined;
  const named = addresses.map(url => fetchedSource([url], branch, what));
  const packages = named.length > 0 ? named : [{ name: `what ${what} brings` }];
  return online(what, packages, addresses);
}

/** Tools that install by name: program → verbs that do. */
const installers: Readonly<Record<string, readonly string[]>> = {
  'apt-get': ['install'],
  apt: ['install'],
  apk: ['add'],
  dnf: ['install'],
  conda: ['install', 'create'],
  mamba: ['install', 'create'],
  micromamba: ['install', 'create'],
  npm: ['install', 'ci'],
  poetry: ['install', 'add'],
  uv: ['sync', 'add'],
  'huggingface-cli': ['download'],
  hf: ['download'],
};

function otherInstall([program = '', ...args]: readonly string[]): Found | undefined {
  const plain = args.filter(word => !word.startsWith('-'));
  const verb = installers[program]?.find(each => each === plain[0]);
  if (verb === undefined) return undefined;
  const names = plain.slice(1);
  const packages = names.length > 0 ? names : [`what ${program} ${verb} brings`];
  const found = online(
    `${program} ${verb}`,
    packages.map(name => ({ name })),
    [],
  );
  return { ...found, offline: args.includes('--offline') };
}

function online(what: string, packages: NameAndVersion[], addresses: string[]): Found {
  const wanted = packages.map(each => ({ ...each, python: false }));
  return { what, packages: wanted, requirementFiles: [], addresses, offline: false };
}

const isOwnMachine = (address: string) =>
  /^\w+:\/\/(?:localhost|127\.|0\.0\.0\.0|\[::1?\])/.test(address);
