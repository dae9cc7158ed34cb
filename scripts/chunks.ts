// Which file of dist/chunks/ a module is in, and what that file is called.

import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodeSplittingGroup, OutputChunk } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src/');

/**
 * What several entries share lies in one file a stage of a run, since many small ones take longer to
 * load. A module belongs to the first stage whose modules load it; what none loads is the last's.
 */
const stages: Readonly<Record<string, readonly string[]>> = {
  // what an older Node has to understand
  'shared-launch': ['cli/main.ts'],
  // what the faces begin with
  'shared-start': ['action/main.ts', 'cli/start.ts'],
  // until Nix is ready
  'shared-prepare': ['commands/build.ts'],
  'shared-http': ['host/http/client.ts', 'host/http/connection.ts'],
  // the making of a recipe's image; what reads other tools' images is loaded on use
  'shared-make': ['commands/build/make.ts'],
  // what a run will do, and why: beside a build, and for verbs that build nothing
  'shared-foresee': ['commands/build/forecast/forecast.ts', 'commands/build/forecast/forbidden.ts'],
  'shared-work': [],
};

/** Each of Node's own modules is a line by now. */
const nodeGroup: CodeSplittingGroup = { name: 'shared-node', test: /^\0node:/ };

/** Groups of modules that share a file; those before have the first choice. */
export const chunkGroups = (): CodeSplittingGroup[] => [
  nodeGroup,
  ...Object.entries(stages).map(([stage, from]) => stageGroup(stage, from)),
];

function stageGroup(stage: string, from: readonly string[]): CodeSplittingGroup {
  const begin = from.map(source => join(sources, source));
  let loaded: Set<string> | undefined;
  return {
    debugName: stage,
    name(id, graph) {
      loaded ??= loadedWith(begin, graph);
      return begin.length === 0 || loaded.has(id) ? stage : undefined;
    },
    test: isShareable,
    minShareCount: 2,
  };
}

/** The modules of one face, and heavy packages, are loaded where they are used. */
const isShareable = (id: string) =>
  (id.startsWith(sources) && !id.startsWith(join(sources, 'action/'))) || id.includes('/valibot/');

/** Knows what a module imports statically. */
interface Graph {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null;
}

/** Modules and their static imports, all the way down. */
function loadedWith(ids: readonly string[], graph: Graph, seen = new Set<string>()): Set<string> {
  for (const id of ids) {
    if (seen.has(id)) continue;
    seen.add(id);
    loadedWith(graph.getModuleInfo(id)?.importedIds ?? [], graph, seen);
  }
  return seen;
}

/**
 * A chunk is called by what is in it, so that a change of some lines changes no other file: by its
 * stage, by the module that it is loaded for, or by the last of those that some entries share.
 */
export function chunkName({ name, facadeModuleId, moduleIds }: NamedChunk): string {
  const module = facadeModuleId ?? moduleIds.at(-1) ?? '';
  if (name in stages || !module.startsWith(root)) return `chunks/${name}.js`;
  const shared = facadeModuleId === null ? 'shared-' : '';
  return `chunks/${shared}${sourceName(module).replace('@', '').replaceAll('/', '-')}.js`;
}

type NamedChunk = Pick<OutputChunk, 'name' | 'facadeModuleId' | 'moduleIds'>;

/** A package's name, or a path below src/. */
const sourceName = (module: string): string =>
  /(?<=\/node_modules\/)(@[^/]+\/)?[^/]+/.exec(module)?.[0] ??
  relative(sources, module).replace('.ts', '');
