import { fieldsOf } from '../host/foreign-value.ts';
import { limits } from '../host/limits.ts';
import { preview } from '../host/preview.ts';
import {
  type Derivation,
  type DerivationNode,
  type Keep,
  readDerivations,
} from '../nix/derivation.ts';
import { nameOf } from '../nix/names.ts';
import { storePathsIn } from './store-paths.ts';

/** What the audit keeps of each derivation of a graph: enough to tell what it is and what it needs. */
export interface DerivationFacts extends DerivationNode {
  /** Without the hash and ".drv". */
  name: string;
  pname: string | undefined;
  version: string | undefined;
  /** Output paths that it is built with and, by the rules of nixpkgs, does not refer to. */
  tools: ReadonlySet<string>;
  /** Store paths of what it says it is made of: its `src` or `srcs`. */
  sources: ReadonlySet<string>;
  /** Set for a fixed-output derivation, which has the network when it is built. */
  fetch: Fetch | undefined;
  hazards: readonly Hazard[];
}

/** What a fixed-output derivation fetches. */
export interface Fetch {
  urls: readonly string[];
  /** Revision or branch, where it is a Git checkout. */
  rev: string | undefined;
  /** As the derivation has it: SRI, hex or base 32, or empty. */
  hash: string;
  /** The hash is that of a tree: what was fetched was unpacked in the same step. */
  isUnpacked: boolean;
}

/** Ways to build that leave the sandbox, or bring an operating system into it. */
type Hazard = 'vm' | 'no-chroot' | 'impure';

export type FactGraph = ReadonlyMap<string, DerivationFacts>;

/** Reads the facts of the derivations and of all that they are built from. */
export function readFacts(drvPaths: Iterable<string>, place?: string): Promise<FactGraph> {
  return readDerivations(drvPaths, factsOf, place);
}

/** The facts of one derivation; texts that outlive it go through `keep`. */
export function factsOf(
  derivation: Derivation,
  drvPath: string,
  keep: Keep = text => text,
): DerivationFacts {
  const { outputs, inputDrvs, inputSrcs, system } = derivation;
  const attribute = attributesOf(derivation);
  const kept = (name: string) => {
    const value = attribute(name);
    return value ? keep(value) : undefined;
  };
  return {
    outputs,
    inputDrvs,
    inputSrcs,
    system,
    name: keep(nameOf(drvPath)),
    pname: kept('pname'),
    version: kept('version'),
    tools: toolsOf(attribute, keep),
    sources: new Set(
      ['src', 'srcs'].flatMap(name => storePathsIn(attribute(name) ?? '')).map(keep),
    ),
    fetch: fetchOf(attribute, keep),
    hazards: hazardsOf(derivation, attribute),
  };
}

/** Gives an attribute's text, however the derivation passes it on; undefined where there is none. */
export type Attributes = (name: string) => string | undefined;

/**
 * The attributes of a derivation: variables of the builder, or with `__structuredAttrs` fields of a
 * JSON text. Lists become words, as nixpkgs' builders get them; `true` is "1" and `false` is "".
 */
export function attributesOf({ env }: Pick<Derivation, 'env'>): Attributes {
  const json = env.get('__json');
  if (json === undefined) return name => env.get(name);
  const fields = new Map(structuredFields(json));
  // nixpkgs puts variables into `env` there
  const variables = fields.get('env');
  const all = new Map([...Object.entries(fieldsOf(variables)), ...fields]);
  return name => wordsOf(all.get(name));
}

/** The fields of `__json`; any derivation may have a variable of that name, with any text. */
export function structuredFields(json: string): [string, unknown][] {
  try {
    return Object.entries(fieldsOf(JSON.parse(json)));
  } catch {
    return [];
  }
}

/** What lies deeper than attributes do is left out. */
function wordsOf(value: unknown, depth: number = limits.attributeDepth): string | undefined {
  if (value === undefined || value === null || depth < 0) return undefined;
  if (value === false) return '';
  if (value === true) return '1';
  if (Array.isArray(value)) return value.map(each => wordsOf(each, depth - 1)).join(' ');
  return typeof value === 'object' ? preview(value, limits.message) : String(value);
}

/** Attributes whose packages run while it is built (nixpkgs' manual, "Specifying dependencies"). */
const toolAttributes = [
  'builder',
  'stdenv',
  'depsBuildBuild',
  'nativeBuildInputs',
  'depsBuildTarget',
  'nativeCheckInputs',
  'nativeInstallCheckInputs',
  'src',
  'srcs',
  'patches',
];

/** Attributes whose packages it may refer to once it is built, and the texts that it writes. */
const neededAttributes = [
  'buildInputs',
  'propagatedBuildInputs',
  'propagatedNativeBuildInputs',
  'text',
  'content',
];

function toolsOf(attribute: Attributes, keep: Keep): ReadonlySet<string> {
  const isPackage = Boolean(attribute('pname'));
  // what has no name of its own is put together by a script, and buildInputs are that script's
  const tools = isPackage ? toolAttributes : [...toolAttributes, 'buildInputs'];
  const needed = isPackage ? neededAttributes : neededAttributes.slice(1);
  const found = new Set(tools.flatMap(name => storePathsIn(attribute(name) ?? '')));
  for (const name of needed)
    for (const path of storePathsIn(attribute(name) ?? '')) found.delete(path);
  return new Set([...found].map(keep));
}

function fetchOf(attribute: Attributes, keep: Keep): Fetch | undefined {
  const hash = attribute('outputHash');
  if (hash === undefined) return undefined;
  // dockerTools.pullImage has a sourceURL
  const said = attribute('urls') || attribute('url') || attribute('sourceURL') || '';
  const urls = said.split(/\s+/).filter(url => url !== '');
  const rev = attribute('rev') || attribute('tag');
  // "nar" is what newer versions of Nix call it
  const isUnpacked = ['recursive', 'nar'].includes(attribute('outputHashMode') ?? '');
  return { urls: urls.map(keep), rev: rev ? keep(rev) : undefined, hash: keep(hash), isUnpacked };
}

function hazardsOf({ impure }: Derivation, attribute: Attributes): Hazard[] {
  // nixpkgs' vmTools.runInLinuxVM wraps a derivation's builder, and says how much memory it gets
  const isVm = Boolean(attribute('origBuilder') && attribute('QEMU_OPTS'));
  return [
    ...(isVm ? (['vm'] as const) : []),
    ...(attribute('__noChroot') === '1' ? (['no-chroot'] as const) : []),
    ...(impure ? (['impure'] as const) : []),
  ];
}
