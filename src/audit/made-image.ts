import * as v from 'valibot';
import type { ContainerConfig } from '../image/types.ts';
import type { Derivation } from '../nix/derivation.ts';
import { attributesOf, type FactGraph, nameOf } from './facts.ts';
import { inputsIn } from './subject.ts';

/** An image that dockerTools makes, without the ones below it. */
export interface MadeImage {
  name: string;
  drvPath: string;
  /** Derivations whose outputs it holds. */
  contents: readonly string[];
  config: ContainerConfig;
}

/** Names of the derivations of which dockerTools makes an image; what they run is not in it. */
const plumbing =
  /^(?:docker-image-.+|docker-layer-.+|stream-.+|.+-conf\.json|.+-customisation-layer|.+-granular-docker-layers|layers\.json|excludePaths|closure|.+\.tar(?:\.gz|\.zst)?)$/;

/** The image's config, as buildImage and streamLayeredImage write it. */
const configFile = /-(?:base|config)\.json$/;

/** Attributes of the plumbing that name what gets into the image, or act on it. */
const contentAttributes = [
  'contents',
  'copyToRoot',
  'preMount',
  'postMount',
  'extraCommands',
  'fakeRootCommands',
  'postBuild',
];

/**
 * Takes an image of dockerTools apart, with the images that it is built on (`fromImage`), the lowest
 * first. Empty for a derivation that is no such image.
 */
export function takeApart(
  target: string,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): MadeImage[] {
  const images: MadeImage[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = target; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    if (!plumbing.test(nameOf(next))) break;
    const { image, base }: { image: MadeImage; base: string | undefined } = takeOne(
      next,
      graph,
      read,
    );
    images.unshift(image);
    next = base;
  }
  return images;
}

function takeOne(
  target: string,
  graph: FactGraph,
  read: (drvPath: string) => Derivation,
): { image: MadeImage; base: string | undefined } {
  const contents = new Set<string>();
  let config: ContainerConfig = {};
  let base: string | undefined;
  const pending = new Set([target]); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined) continue;
    const attribute = attributesOf(read(drvPath));
    base ??= inputsIn(attribute('fromImage') ?? '', facts, graph)[0];
    const isLayer = drvPath.endsWith('-customisation-layer.drv');
    for (const name of isLayer ? [...contentAttributes, 'paths'] : contentAttributes) {
      for (const input of inputsIn(attribute(name) ?? '', facts, graph)) contents.add(input);
    }
    for (const input of facts.inputDrvs.keys()) {
      if (input === base) continue;
      if (configFile.test(nameOf(input))) {
        config = readConfig(attributesOf(read(input))('text')) ?? config;
        contents.add(input);
      } else if (plumbing.test(nameOf(input))) pending.add(input);
    }
  }
  // parts of the plumbing name each other
  for (const drvPath of pending) contents.delete(drvPath);
  if (base !== undefined) contents.delete(base);
  return {
    image: { name: imageName(target), drvPath: target, contents: [...contents], config },
    base,
  };
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
