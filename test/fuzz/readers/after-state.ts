import fc from 'fast-check';
import { readAfterState } from '../../../src/commands/after-state.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const hash = '0123456789abcdfghijklmnpqrsvwxyz';

/** Values of other types, and texts that are near to right ones. */
const odd = fc.constantFrom(null, 0, -1, 1e300, '', 'x', '../x', '\n', true, [], {}, [null]);

const path = fc.oneof(
  fc.constantFrom(`/nix/store/${hash}-a.drv`, `/nix/store/${hash}-a`, '/etc/shadow', `/${hash}`),
  odd,
);

const target = fc.record(
  {
    name: odd,
    drvPath: path,
    outPath: path,
    isArchive: fc.oneof(fc.boolean(), odd),
    key: fc.oneof(fc.constant('comfy-nix-x'), odd),
    restored: odd,
  },
  { requiredKeys: [] },
);

const state = fc.record(
  {
    builtSince: fc.oneof(fc.nat(), odd),
    github: fc.oneof(odd, fc.record({ built: fc.array(path), targets: fc.array(target) })),
    part: fc.oneof(fc.constantFrom('job-0123456789abcdef', 'account-0', '../job'), odd),
    more: odd,
  },
  { requiredKeys: [] },
);

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'what main leaves for post',
    cases: fc.oneof(
      state.map(value => JSON.stringify(value)),
      fc.string(),
      fc.nat(300).map(depth => '[{"github":'.repeat(depth)),
    ),
    read: readAfterState,
  }),
];
