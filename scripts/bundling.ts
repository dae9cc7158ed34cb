// How src/ becomes the program in dist/: entries, plugins and settings of rolldown.

import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { chunkGroups, chunkName } from './chunks.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The folder of the published action. */
export const dist = join(root, 'dist');

/** dist/NAME.js and where it begins. Worker threads get an entry of their own here. */
const entries: Record<string, string> = {
  main: 'src/action/main.ts',
  post: 'src/action/post.ts',
  cli: 'src/cli/main.ts',
  // next to the chunk that starts it
  'chunks/digest-thread': 'src/image/digest-thread.ts',
};

/**
 * An import of one of Node's own modules reads all of its properties, the lazy ones too: `WebSocket` of
 * node:http loads all of undici, 30 ms. A `require` does not.
 */
const nodeByRequire: Plugin = {
  name: 'node-by-require',
  resolveId(source, importer, { kind }) {
    // with node:module the bundler makes `require` itself
    const isWanted = kind === 'import-statement' && importer !== undefined && isBuiltin(source);
    if (!isWanted || source.endsWith('module')) return null;
    // without a slash, so that no two are called `promises` in the bundle
    return `\0node:${source.replace(/^node:/, '').replace('/', ':')}`;
  },
  load(id) {
    if (!id.startsWith('\0node:')) return null;
    const name = id.slice('\0node:'.length).replace(':', '/');
    return { code: `module.exports = require('node:${name}');`, moduleType: 'js' };
  },
};

/**
 * Parts of `@actions/core` that nobody uses here and that it imports at its top: they would load its HTTP
 * client, all of undici with it, and `@actions/exec`.
 */
const coreAlone: Plugin = {
  name: 'core-alone',
  resolveId: (source, importer) =>
    importer?.endsWith('/@actions/core/lib/core.js') &&
    ['./oidc-utils.js', './platform.js'].includes(source)
      ? '\0unused'
      : null,
  load: id => (id === '\0unused' ? 'export const OidcClient = undefined;' : null),
};

/** Bundles src/ in memory: nothing is written. */
export async function bundle(plugins: readonly Plugin[] = []): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: root,
    input: entries,
    platform: 'node',
    plugins: [nodeByRequire, coreAlone, ...plugins],
    transform: { target: 'node24' },
    preserveEntrySignatures: false,
    // what one module loads on use another may need at once
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await build.generate({
    format: 'esm',
    minify: true,
    comments: false,
    // a shorter name would be another one with each export that is added
    minifyInternalExports: false,
    chunkFileNames: chunkName,
    codeSplitting: {
      groups: chunkGroups(),
      // a stage holds what it loads; Node's own modules have a file of their own
      includeDependenciesRecursively: false,
    },
  });
  await build.close();
  return output.filter(each => each.type === 'chunk');
}

/** The program and the style sheet of the page that `report --html` makes, for a browser. */
export async function bundlePage(): Promise<{ chunk: OutputChunk; style: string }> {
  const build = await rolldown({
    cwd: root,
    input: 'src/page/main.ts',
    platform: 'browser',
    transform: { target: 'es2022' },
  });
  const { output } = await build.generate({ format: 'iife', minify: true, comments: false });
  await build.close();
  const [chunk] = output;
  const sheets = ['node_modules/uplot/dist/uPlot.min.css', 'src/page/page.css'];
  const style = sheets.map(sheet => readFileSync(join(root, sheet), 'utf8').trim()).join('\n');
  return { chunk, style };
}
