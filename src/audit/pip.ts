import { distributionName, fetchedSource, type NameAndVersion, wheelIn } from './fetches.ts';

/** What one call of pip installs or downloads. */
export interface PipCall {
  /** "install", "download" or "wheel". */
  verb: string;
  /** What is asked of an index or a server by name. */
  wanted: readonly NameAndVersion[];
  /** Files that list more, as the call names them. */
  requirementFiles: readonly string[];
  /** Addresses of packages and of indexes. */
  addresses: readonly string[];
  /** It asks nobody: `--no-index`, or files that lie there and bring nothing with them. */
  offline: boolean;
}

/** Options that take a value (pip's manual, "pip install" and "pip download"). */
const optionsWithValue = new Set(
  (
    '-r --requirement -c --constraint -i --index-url --extra-index-url -f --find-links -t --target ' +
    '--prefix --root --cache-dir --platform --python-version --implementation --abi --python ' +
    '--only-binary --no-binary -d --dest -w --wheel-dir --timeout --retries --proxy --cert --log ' +
    '--progress-bar --upgrade-strategy --src --trusted-host -C --config-settings --report'
  ).split(' '),
);

/**
 * Reads a command as a call of pip: `pip install …`, `python -m pip download …`, `uv pip install …`.
 * Undefined for any other command.
 */
export function readPipCall(command: readonly string[]): PipCall | undefined {
  const args = argumentsOfPip(command) ?? [];
  const at = args.findIndex(word => ['install', 'download', 'wheel'].includes(word));
  const verb = args[at];
  if (verb === undefined) return undefined;
  const { flags, values, given } = readArguments(args.slice(at + 1));
  const remote = given.filter(each => !isLocalFile(each));
  const valuesOf = (...options: string[]) =>
    values.flatMap(([option, value]) => (options.includes(option) ? [value] : []));
  const requirementFiles = valuesOf('-r', '--requirement');
  const isLocal = remote.length === 0 && requirementFiles.length === 0;
  return {
    verb,
    wanted: remote.map(readRequirement),
    requirementFiles,
    addresses: [
      ...remote.flatMap(addressesIn),
      ...valuesOf('-i', '--index-url', '--extra-index-url', '-f', '--find-links'),
    ],
    offline: flags.has('--no-index') || (isLocal && flags.has('--no-deps')),
  };
}

function argumentsOfPip([program = '', ...args]: readonly string[]): string[] | undefined {
  if (/^pip[\d.]*$/.test(program)) return args;
  if (program === 'uv' && args[0] === 'pip') return args.slice(1);
  if (!/^(?:(?:python|pypy)[\d.]*|\$\{?\w*python\w*\}?)$/i.test(program)) return undefined;
  const module = args.indexOf('-m');
  return module >= 0 && args[module + 1] === 'pip' ? args.slice(module + 2) : undefined;
}

interface Arguments {
  flags: ReadonlySet<string>;
  values: readonly (readonly [option: string, value: string])[];
  /** Requirements and files. */
  given: readonly string[];
}

function readArguments(args: readonly string[]): Arguments {
  const flags = new Set<string>();
  const values: [string, string][] = [];
  const given: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    const [, option, value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    if (option !== undefined && value !== undefined) values.push([option, value]);
    else if (optionsWithValue.has(word)) values.push([word, args[++at] ?? '']);
    else if (/^\d?>>?$/.test(word))
      at += 1; // the file that its output goes to
    else if (word.startsWith('-')) flags.add(word);
    else if (!/^\d?>/.test(word)) given.push(word);
  }
  return { flags, values, given };
}

const isLocalFile = (word: string) =>
  /^(?:\.{0,2}\/|\.{1,2}$|file:|\$)/.test(word) || (word.endsWith('.whl') && !word.includes('://'));

/** What a requirement asks for (PEP 508, and pip's `git+https://…`). */
function readRequirement(text: string): NameAndVersion {
  const wheel = wheelIn(text);
  if (wheel !== undefined) return wheel;
  const [, name, version] =
    /^([\w.-]+)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([\w.+!-]+))?(?=$|[\s;@<>=!~,])/.exec(text) ?? [];
  if (name !== undefined) {
    return { name: distributionName(name), ...(version === undefined ? {} : { version }) };
  }
  const { name: repository } = fetchedSource([text], undefined, text);
  return { name: distributionName(repository) };
}

/** The web addresses in a text. */
export function addressesIn(text: string): string[] {
  return text.match(/(?:git\+)?https?:\/\/[^\s"']+/g) ?? [];
}

/** What a file of requirements lists (pip's manual, "Requirements File Format"). */
export function readRequirementFile(text: string): Pick<PipCall, 'wanted' | 'addresses'> {
  const lines = text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map(line => line.replace(/(^|\s)#.*$/, '').trim())
    .map(line => line.replace(/^(?:-e|--editable)[\s=]+/, ''))
    .filter(line => line !== '');
  const wanted = lines.filter(line => !line.startsWith('-') && !isLocalFile(line));
  return { wanted: wanted.map(readRequirement), addresses: lines.flatMap(addressesIn) };
}
