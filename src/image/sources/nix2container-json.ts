import * as v from 'valibot';
import { isRecord } from '../../host/foreign-value.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import type { ByteString } from '../tar-header.ts';
import { checkShape, digestSchema, malformed, parseJson } from './source-image.ts';

/** A description by nix2container, checked. */
export interface Description {
  /** The image config's `config`. */
  config: Record<string, unknown>;
  architecture: string;
  created: string | undefined;
  layers: DescribedLayer[];
}

export interface DescribedLayer {
  diffId: string;
  mediaType: string;
  /** The layer's tar, where it is a file already; else it is made of `paths`. */
  file: string | undefined;
  paths: LayerPath[];
  history: Record<string, unknown>;
}

/** A path of a layer, and what becomes of the files in it. Their names are as the tar has them. */
export interface LayerPath {
  path: string;
  /** Where a file appears in the image; '' for nowhere. */
  rewrite(file: ByteString): ByteString;
  /** Whether what is at a place of the image is left out. */
  ignores(destination: ByteString): boolean;
  permissions: Permission[];
}

interface Permission {
  matches(file: ByteString): boolean;
  mode: number | undefined;
  /** Added to the mode. */
  orMode: number;
  uid: number;
  gid: number;
  uname: string;
  gname: string;
}

const text = v.optional(v.pipe(v.string(), v.maxLength(limits.archiveName)), '');
const record = v.custom<Record<string, unknown>>(isRecord);
const owner = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32)), 0);
const mode = v.optional(v.pipe(v.string(), v.regex(/^[0-7]{0,6}$/)), '');

const permissionSchema = v.object({
  regex: text,
  mode,
  orMode: mode,
  uid: owner,
  gid: owner,
  uname: text,
  gname: text,
});

const pathSchema = v.object({
  path: v.pipe(v.string(), v.maxLength(limits.archiveName)),
  options: v.nullish(
    v.object({
      rewrite: v.nullish(v.object({ regex: text, repl: text })),
      ignoreDestination: text,
      perms: v.nullish(v.array(permissionSchema)),
    }),
  ),
});

const layerSchema = v.object({
  diff_ids: digestSchema,
  mediatype: v.string(),
  'layer-path': v.nullish(v.pipe(v.string(), v.maxLength(limits.archiveName))),
  paths: v.nullish(v.array(pathSchema)),
  History: v.nullish(record),
});

const descriptionSchema = v.object({
  'image-config': record,
  arch: v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,32}$/)), 'amd64'),
  created: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
  layers: v.pipe(v.array(layerSchema), v.maxLength(limits.sourceLayers)),
});

/** Reads the description of an image; throws a `Failure` that names what is wrong in it. */
export async function readNix2container(json: string, name: string): Promise<Description> {
  const image = checkShape(descriptionSchema, parseJson(json, name), name);
  // most images come from other tools, and this library takes time to load
  const { RE2JS } = await import('re2js');
  const compile = (source: string) => expression(source, name, RE2JS.compile);
  return {
    config: image['image-config'],
    architecture: image.arch,
    created: image.created ?? undefined,
    layers: image.layers.map((layer, at) => {
      const file = layer['layer-path'] || undefined;
      const paths = (layer.paths ?? []).map(path => layerPath(path, compile));
      if (file === undefined && paths.length === 0) {
        throw malformed(`layer ${at + 1} of ${name}`, 'it has neither paths nor a layer-path');
      }
      const history = layer.History ?? { created_by: 'nix2container' };
      return { diffId: layer.diff_ids, mediaType: layer.mediatype, file, paths, history };
    }),
  };
}

/** Go's own kind of expression, as nix2container has it: it takes no more time than the text is long. */
interface Expression {
  test(text: string): boolean;
  matcher(text: string): { replaceAll(replacement: (...match: string[]) => string): string };
}

type Compile = (source: string) => Expression;

function expression(source: string, name: string, compile: Compile): Expression {
  const described = `its expression ${visible(source)}`;
  if (source.length > limits.expression) throw malformed(name, `${described} is too long`);
  try {
    return compile(source);
  } catch {
    throw malformed(name, `${described} is not understood`);
  }
}

/** Go's way to name what was found in a replacement: $1, ${1}, and $$ for the sign itself. */
const reference = /\$(?:(\$)|(\w+)|\{(\w+)\})/g;

const rewriter = (regex: Expression, template: string) => (file: ByteString) =>
  regex
    .matcher(file)
    .replaceAll((...found) =>
      template.replace(
        reference,
        (_, sign?: string, bare?: string, braced?: string) =>
          sign ?? groupOf(found, Number(bare ?? braced)),
      ),
    );

/** A group of what was found; empty where there is none, as in Go. */
function groupOf(found: readonly unknown[], group: number): string {
  const text = found[group];
  return typeof text === 'string' ? text : '';
}

function layerPath(
  { path, options }: v.InferOutput<typeof pathSchema>,
  compile: Compile,
): LayerPath {
  const { rewrite, ignoreDestination = '', perms } = options ?? {};
  const ignored = ignoreDestination === '' ? undefined : compile(ignoreDestination);
  return {
    path,
    rewrite: rewrite?.regex ? rewriter(compile(rewrite.regex), rewrite.repl) : file => file,
    ignores: destination => ignored?.test(destination) ?? false,
    permissions: (perms ?? []).map(permission => {
      const { regex, mode, orMode, ...owner } = permission;
      const where = compile(regex);
      return {
        ...owner,
        matches: file => where.test(file),
        mode: mode === '' ? undefined : Number.parseInt(mode, 8),
        orMode: Number.parseInt(orMode || '0', 8),
      };
    }),
  };
}
