import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import type { ImageFolder, TreePlace } from '../image/types.ts';
import { readDerivationNode } from './derivation.ts';
import { readImagePath } from './directories.ts';
import { type Found, mismatch, readSet, readShortList, refuseTwice, required } from './shape.ts';
import type { DerivationOutput, Nix } from './types.ts';

/** What a text of Nix refers to (`builtins.getContext`): derivation → outputs, source → path. */
export const contextSchema = v.record(
  v.string(),
  v.object({
    path: v.optional(v.boolean()),
    allOutputs: v.optional(v.boolean()),
    outputs: v.optional(v.array(v.string())),
  }),
);

/** A folder as it is written in the recipe: where its sources are is told by their derivations. */
export interface WrittenFolder {
  at: string;
  from: readonly WrittenSource[];
}

interface WrittenSource {
  /** The text and the name of its field, for complaints. */
  found: Found & { value: string };
  /** What the text refers to: a derivation, or a store path that is a source. */
  path: string;
  /** The derivation's output; undefined for a source. */
  outputName: string | undefined;
}

/** What texts of a recipe refer to. */
export interface ReferredPaths {
  outputs: readonly DerivationOutput[];
  /** Store paths that are no outputs of a derivation. */
  sources: readonly string[];
}

const sourceText = v.object({
  $type: v.literal('text'),
  text: v.pipe(v.string(), v.maxLength(limits.archiveName)),
  context: contextSchema,
});
const expected = 'a derivation, a source, or text that begins with one and names a folder in it';

/** Reads the recipe's `folders`: each place once, and what is merged there. */
export function readFolders(found: Found): WrittenFolder[] {
  const folders = readShortList(found, readFolder);
  refuseTwice(
    found,
    'at',
    folders.map(({ at }) => at),
  );
  return folders;
}

function readFolder(found: Found): WrittenFolder {
  const field = readSet(found, ['at', 'from']);
  const at = required(found, 'at', field('at'));
  const from = required(found, 'from', field('from'));
  const folder = { at: readImagePath(at), from: readShortList(from, readSource) };
  if (/^\/nix(\/|$)/.test(folder.at)) throw mismatch(at, 'a path outside of /nix');
  if (folder.from.length === 0) throw mismatch(from, 'at least one folder in the store');
  return folder;
}

function readSource(found: Found): WrittenSource {
  const read = v.safeParse(sourceText, found.value);
  if (!read.success) throw mismatch(found, expected);
  const { text, context } = read.output;
  const asText = { at: found.at, value: text };
  const [use, another] = Object.entries(context);
  if (use === undefined || another !== undefined) throw mismatch(asText, expected);
  const [path, { outputs = [], allOutputs }] = use;
  if (outputs.length > 1 || allOutputs) throw mismatch(asText, expected);
  return { found: asText, path, outputName: outputs[0] };
}

/** Looks up where the sources are. Throws a {@link Failure} that names the field of one that is none. */
export function resolveFolders(
  written: readonly WrittenFolder[],
  { place }: Nix,
): ReferredPaths & { folders: ImageFolder[] } {
  const outputs = new Map<string, DerivationOutput>();
  const sources = new Set<string>();
  const resolve = ({ found, path, outputName }: WrittenSource): TreePlace => {
    if (outputName === undefined) {
      sources.add(path);
      return placeIn(path, found);
    }
    const outPath = readDerivationNode(path, place).outputs.get(outputName) ?? '';
    if (outPath === '') throw unknownPath(found, path, outputName);
    outputs.set(outPath, { drvPath: path, outputName, outPath });
    return placeIn(outPath, found);
  };
  const folders = written.map(({ at, from }) => ({ at, from: from.map(resolve) }));
  return { folders, outputs: [...outputs.values()], sources: [...sources] };
}

function placeIn(outPath: string, found: WrittenSource['found']): TreePlace {
  const rest = found.value.slice(outPath.length);
  const names = rest.split('/').filter(Boolean);
  const isBelow = found.value.startsWith(outPath) && (rest === '' || rest.startsWith('/'));
  if (!isBelow || names.some(name => name === '.' || name === '..'))
    throw mismatch(found, expected);
  return { outPath, below: names.join('/') };
}

const unknownPath = ({ at }: Found, drvPath: string, outputName: string) =>
  new Failure(
    `${at} refers to the output "${outputName}" of ${drvPath}, whose path is not known before it is built.`,
    { next: 'Refer to a derivation that is not content-addressed.' },
  );
