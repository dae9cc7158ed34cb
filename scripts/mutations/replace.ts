// Loaded before a test: one file of the program gets another source. The working tree stays as it is.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const { MUTANT_URL, MUTANT_SOURCE } = process.env;

registerHooks({
  load: (url, context, next) =>
    url === MUTANT_URL && MUTANT_SOURCE !== undefined
      ? {
          format: 'module-typescript',
          source: readFileSync(MUTANT_SOURCE, 'utf8'),
          shortCircuit: true,
        }
      : next(url, context),
});
