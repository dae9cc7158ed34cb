import * as v from 'valibot';
import type { ContainerConfig } from '../image/types.ts';
import type { Derivation } from '../nix/derivation.ts';
import { nameOf } from '../nix/names.ts';
import { type Attributes, attributesOf, type DerivationFacts, type FactGraph } from './facts.ts';
import { fetchedSource, type NameAndVersion, pulledImage } from './fetches.ts';
import { scriptPaths } from './script-paths.ts';
import { storePathsIn } from './store-paths.ts';
import { inputsIn, writtenText } from './subject.ts';

/** An image that dockerTools makes or is built on, without the ones below it. */
export interface MadeImage {
  name: string;
  /** What makes it; none where it is a file of the flake. */
  drvPaths: readonly string[];
  /** Derivations whose outputs it holds. */
  contents: readonly string[];
  config: ContainerConfig;
  /** Set where it is a download or a file, and not made here. */
  taken?: NameAndVersion;
}

/** Names of the derivations of which dockerTools makes an image; what they run is not in it. */
const plumbing =
  /^(?:docker-image-.+|docker-layer-.+|stream-.+|.+-conf\.json|.+-customisation-layer|.+-granular-docker-layers|layers\.json|excludePaths|closure|.+\.tar(?:\.gz|\.zst)?)$/;

/** The image's config, as buildImage and streamLayeredImage write it. */
const configFile = /-(?:base|config)\.json$/;

/** Attributes of the plumbing that name what gets into the image. */
const contentAttributes = ['contents', 'copyToRoot'];

/** Its scripts, which may copy things into the image, or link to them. */
const scriptAttributes = ['extraCommands', 'fakeRootCommands', 'postBuild'];

/** Where dockerTools puts a layer's files together. */
const layerName = /^docker-layer-|-customisation-layer$/;

/**
 * Takes an image of dockerTools apart, with the images that it is built on (`fromImage`), the lowest
 * first. Empty for a derivation that is no such image.
 */
export function takeApart(
  target: string,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): MadeImage[] {
  if (!plumbing.test(nameOf(target))) return [];
  const images: MadeImage[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = target; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    const { image, base }: TakenApart = isMade(next, graph, read)
      ? takeOne(next, graph, read)
      : { image: imageOfOthers(next, graph), base: undefined };
    images.unshift(image);
    next = base;
  }
  return images;
}

interface TakenApart {
  image: MadeImage;
  /** The derivation of the image below it, or a file of the flake. */
  base: string | undefined;
}

/** Whether an image is dockerTools': one that a script or a server brings may be called the same. */
function isMade(path: string, graph: FactGraph, read: (drvPath: string) => Derivation): boolean {
  const facts = graph.get(path);
  if (facts === undefined || facts.fetch !== undefined || !plumbing.test(facts.name)) return false;
  return attributesOf(read(path))('imageName') !== undefined || /^stream-/.test(facts.name);
}

/** A download, a file of the flake, or what a script of the flake makes. */
function imageOfOthers(path: string, graph: FactGraph): MadeImage {
  const facts = graph.get(path);
  const image = { name: imageName(path), drvPaths: facts ? [path] : [], contents: [], config: {} };
  if (facts === undefined) return { ...image, taken: { name: nameOf(path) } };
  if (facts.fetch === undefined) return { ...image, contents: [path] };
  const { urls, rev } = facts.fetch;
  return { ...image, taken: pulledImage(urls) ?? fetchedSource(urls, rev, facts.name) };
}

function takeOne(
  target: string,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): TakenApart {
  const contents = new Set<string>();
  let config: ContainerConfig = {};
  let base: string | undefined;
  const pending = new Set([target]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined) continue;
    const attribute = attributesOf(read(drvPath));
    const from = attribute('fromImage') ?? '';
    base ??= inputsIn(from, facts, graph)[0] ?? storePathsIn(from)[0];
    if (configFile.test(facts.name)) config = readConfig(attribute('text')) ?? config;
    for (const input of layerInputs(attribute, facts, graph, read)) contents.add(input);
    for (const input of facts.inputDrvs.keys()) {
      if (input === base) continue;
      if (configFile.test(nameOf(input))) contents.add(input);
      if (plumbing.test(nameOf(input)) || configFile.test(nameOf(input))) pending.add(input);
    }
  }
  // parts of the plumbing name each other; what the config names is in the image
  for (const drvPath of pending) if (!configFile.test(nameOf(drvPath))) contents.delete(drvPath);
  if (base !== undefined) contents.delete(base);
  const image = { name: imageName(target), drvPaths: [target], contents: [...contents], config };
  return { image, base };
}

/** What a part of the plumbing puts into the image: contents, and what its scripts name and do not run. */
function layerInputs(
  attribute: Attributes,
  facts: DerivationFacts,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): string[] {
  const isLayer = layerName.test(facts.name);
  const named = isLayer ? [...contentAttributes, 'paths'] : contentAttributes;
  const scripts = isLayer ? [...scriptAttributes, 'buildCommand'] : scriptAttributes;
  return [
    ...named.flatMap(name => inputsIn(attribute(name) ?? '', facts, graph)),
    ...scripts.flatMap(name => scriptInputs(attribute(name) ?? '', facts, graph, read)),
  ];
}

/** What a script names and does not run, and what the scripts that it runs name so. */
function scriptInputs(
  script: string,
  facts: DerivationFacts,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): string[] {
  const { run, named } = scriptPaths(script);
  const found = inputsIn(named.join(' '), facts, graph);
  const called = inputsIn(run.join(' '), facts, graph).flatMap(input => {
    const text = writtenText(read(input));
    const written = graph.get(input);
    return text && written ? scriptInputs(text, written, graph, read) : [];
  });
  return [...found, ...called];
}

/** What of an image's config the audit looks at; a field of another shape is none. */
const field = <Schema extends v.GenericSchema>(of: Schema) => v.fallback(v.optional(of), undefined);
const words = field(v.array(v.string()));
const configSchema = v.object({
  User: field(v.string()),
  Env: words,
  Entrypoint: words,
  Cmd: words,
  Labels: field(v.record(v.string(), v.string())),
});

/** The config in a text that becomes an image's configuration; undefined where it is no such text. */
export function readConfig(json: string | undefined): ContainerConfig | undefined {
  try {
    const { config } = Object(JSON.parse(json ?? '')) as { config?: unknown };
    const parsed = v.parse(configSchema, config ?? {});
    const present = Object.entries(parsed).filter(([, value]) => value !== undefined);
    return Object.fromEntries(present);
  } catch {
    return undefined;
  }
}

const imageName = (drvPath: string) =>
  nameOf(drvPath)
    .replace(/^(?:docker-image|stream)-/, '')
    .replace(/\.tar(?:\.gz|\.zst)?$/, '');
