// What knip looks for (npm run unused): files, packages and exports that nothing uses. Without tests
// (--production) an export counts that its own file uses: it may be the unit that a test tests.

import type { KnipConfig } from 'knip';

/** Where programs begin, tests apart. */
const programs = [
  'src/action/{main,post}.ts',
  'src/cli/main.ts',
  'src/image/digest-thread.ts',
  'src/page/main.ts',
  'scripts/*.ts',
  'bench/*.ts',
  'bench/push/{main,against,link-program}.ts',
  'bench/github-cache/step.ts',
];

/** The same of tests: what they import by a pattern or start as a program. */
const tests = ['**/*.test.ts', 'fuzz/readers/*.ts', 'tools/cachix-stand-in/program.ts'];

export default ({ production = false }): KnipConfig => ({
  entry: [...programs.map(each => `${each}!`), ...tests.map(each => `test/${each}`)],
  project: ['{src,scripts,bench}/**/*.ts!', 'test/**/*.ts'],
  // to it, every file in a folder called test is a test
  node: false,
  ignoreExportsUsedInFile: production,
  // tests and programs of the machine; these packages are found by require
  exclude: ['binaries'],
  ignoreDependencies: ['azurite', 's3rver'],
});
