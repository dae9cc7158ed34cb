import * as v from 'valibot';
import { normalizeName } from '../wheel-name.ts';
import type { AskedSource } from './asked.ts';

/** What a snapshot.json of ComfyUI-Manager asks for. */
interface Snapshot {
  sources: AskedSource[];
  /** Lines of a requirements list. */
  lines: string[];
  /** As sentences. */
  problems: string[];
}

const commit = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const schema = v.object({
  comfyui: v.optional(v.nullable(commit)),
  git_custom_nodes: v.optional(
    v.record(v.string(), v.object({ hash: commit, disabled: v.optional(v.boolean(), false) })),
    {},
  ),
  cnr_custom_nodes: v.optional(v.record(v.string(), v.unknown()), {}),
  file_custom_nodes: v.optional(
    v.array(v.object({ filename: v.string(), disabled: v.optional(v.boolean(), false) })),
    [],
  ),
  pips: v.optional(v.record(v.string(), v.unknown()), {}),
});

const comfyuiUrl = 'https://github.com/Comfy-Org/ComfyUI';

/**
 * Reads a snapshot: ComfyUI and the custom nodes that are switched on are sources at their commits, and
 * the packages a list. Undefined where it is none.
 */
export function readSnapshot(content: string, name: string): Snapshot | undefined {
  const { success, output } = v.safeParse(schema, parsed(content));
  if (!success) return undefined;
  const source = (url: string, ref: string): AskedSource => {
    const last = url.replace(/\/+$/, '').split('/').at(-1) ?? url;
    const project = normalizeName(last.replace(/\.git$/, ''));
    const asked = { isPackage: false, isAsked: true };
    return { kind: 'git', name: project, url, ref, place: name, ...asked };
  };
  const nodes = Object.entries(output.git_custom_nodes).filter(([, node]) => !node.disabled);
  const unsafe = nodes.filter(([url]) => !/^https?:\/\/[^\s@]+$/.test(url));
  const byHand = [
    ...unsafe.map(([url]) => url),
    ...Object.keys(output.cnr_custom_nodes),
    ...output.file_custom_nodes.filter(file => !file.disabled).map(({ filename }) => filename),
  ];
  return {
    sources: [
      ...(output.comfyui ? [source(comfyuiUrl, output.comfyui)] : []),
      ...nodes.filter(each => !unsafe.includes(each)).map(([url, { hash }]) => source(url, hash)),
    ],
    lines: Object.keys(output.pips),
    problems: byHand.map(
      node =>
        `${name}: ${node}: it has no Git address; name its repository under [sources] of wheels.toml, ` +
        'and take it out of the snapshot.',
    ),
  };
}

function parsed(content: string): unknown {
  try {
    const value: unknown = JSON.parse(content);
    return Array.isArray(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
