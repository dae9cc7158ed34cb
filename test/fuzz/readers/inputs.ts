import fc from 'fast-check';
import type { GitHubContext, RunContext } from '../../../src/inputs/context.ts';
import { inputs, type RawInputs } from '../../../src/inputs/table.ts';
import { parseAudit } from '../../../src/inputs/verbs/audit.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { parseCopy } from '../../../src/inputs/verbs/copy.ts';
import { parsePrefetch } from '../../../src/inputs/verbs/prefetch.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

/** Texts near to what inputs hold. */
const value = fc.oneof(
  fc.constantFrom(
    ...inputs.flatMap(({ default: preset, reader }) => [
      preset ?? '',
      ...(('choices' in reader && reader.choices) || []),
    ]),
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
      'image-size < 1GiB\nimage-size < 2',
      'build-time <= 1h30m',
      'sent < 9e9GB',
      'manifest,index:a=b\nmanifest:a=c',
      'index[linux/amd64]:a=b',
      'org.opencontainers.image.created=x',
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
  .uniqueArray(fc.constantFrom(...inputs.map(({ name }) => name)), { maxLength: 6 })
  .chain(names => fc.record(Object.fromEntries(names.map(name => [name, value]))));

const github = (fork: string | undefined): GitHubContext => ({
  event: 'push',
  repository: 'o/n',
  source: 'https://github.com/o/n',
  revision: undefined,
  pullRequest: false,
  unknownEvent: undefined,
  compareWith: [],
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
