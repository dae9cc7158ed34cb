import fc from 'fast-check';
import type { GitHubContext, RunContext } from '../../../src/inputs/context.ts';
import { parseAudit, parseBuild, parseCopy, parsePrefetch } from '../../../src/inputs/parse.ts';
import { parseSetup } from '../../../src/inputs/setup.ts';
import {
  type InputDefinition,
  type InputName,
  inputs,
  type RawInputs,
} from '../../../src/inputs/table.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const definitions: readonly (InputDefinition & { name: InputName })[] = inputs;

/** Texts near to what inputs hold. */
const value = fc.oneof(
  fc.constantFrom(
    ...definitions.flatMap(({ default: preset, choices = [] }) => [preset ?? '', ...choices]),
    ...[
      '1GiB',
      '0',
      '9'.repeat(400),
      '-1',
      'a=b\na=c',
      '=',
      'x=',
      '#',
      'ghcr.io/o/n:t',
      'oci:',
      '-',
    ],
    ...[
      'http://u:p@h',
      'type=registry,ref=',
      '(',
      'name:key',
      '__proto__=1',
      'constructor',
      '\0',
      ',',
    ],
  ),
  fc.string({ unit: 'binary' }),
);

const raw: fc.Arbitrary<RawInputs> = fc
  .uniqueArray(fc.constantFrom(...definitions.map(({ name }) => name)), { maxLength: 6 })
  .chain(names => fc.record(Object.fromEntries(names.map(name => [name, value]))));

const github = (fork: string | undefined): GitHubContext => ({
  event: 'push',
  repository: 'o/n',
  source: 'https://github.com/o/n',
  revision: undefined,
  pullRequest: false,
  unknownEvent: undefined,
  fork,
});

const context: fc.Arbitrary<RunContext> = fc.record(
  {
    face: fc.constantFrom('action' as const, 'command-line' as const),
    currentDirectory: fc.constant('/work'),
    temporaryDirectory: fc.constant('/tmp/run'),
    github: fc.constantFrom(github(undefined), github('other/n')),
  },
  { requiredKeys: ['face', 'currentDirectory', 'temporaryDirectory'] },
);

const parsers = { parseBuild, parseAudit, parseCopy, parsePrefetch, parseSetup };

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'the inputs',
    cases: fc.record({
      parser: fc.constantFrom(...(Object.keys(parsers) as (keyof typeof parsers)[])),
      raw,
      context,
    }),
    read: input => parsers[input.parser](input.raw, input.context),
  }),
];
