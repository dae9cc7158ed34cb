// How src/ becomes the program in dist/: entries, plugins and settings of esbuild.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildResult, build, type Plugin } from 'esbuild';

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
 * `@actions/core` imports an HTTP client at its top, for OIDC tokens alone: most of the time that
 * the action would take to start. Here that module is loaded when a token is asked for.
 */
const oidcOnUse: Plugin = {
  name: 'oidc-on-use',
  setup(builder) {
    builder.onResolve({ filter: /^\.\/oidc-utils\.js$/ }, args =>
      args.importer.endsWith(join('@actions', 'core', 'lib', 'core.js'))
        ? // a path of this machine would become part of the chunks' names
          { path: 'oidc-utils.js', namespace: 'oidc-on-use', pluginData: args.resolveDir }
        : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'oidc-on-use' }, args => ({
      resolveDir: args.pluginData,
      contents: `export const OidcClient = {
        getIDToken: async audience =>
          (await import('./oidc-utils.js')).OidcClient.getIDToken(audience),
      };`,
    }));
  },
};

/**
 * Importing node:http reads all of its properties, the lazy `WebSocket` too, which loads all of
 * undici: 30 ms. Requiring it does not.
 */
const httpWithoutUndici: Plugin = {
  name: 'http-without-undici',
  setup(builder) {
    builder.onResolve({ filter: /^(node:)?http$/ }, args =>
      args.kind === 'import-statement'
        ? { path: 'node:http', namespace: 'http-without-undici' }
        : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'http-without-undici' }, () => ({
      contents: `module.exports = require('node:http');`,
    }));
  },
};

export type Bundle = BuildResult<{ metafile: true; write: false }>;

/** Bundles src/ in memory: nothing is written. */
export function bundle(): Promise<Bundle> {
  return build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    splitting: true,
    minify: true,
    legalComments: 'none',
    chunkNames: 'chunks/[name]-[hash]',
    // packages in CommonJS ask for Node's own modules by require
    banner: {
      js: [
        "import{createRequire as __makeRequire}from'node:module';",
        'const require=__makeRequire(import.meta.url);',
      ].join(''),
    },
    plugins: [oidcOnUse, httpWithoutUndici],
    logLevel: 'warning',
  });
}
