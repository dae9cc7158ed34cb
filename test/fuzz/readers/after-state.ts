import fc from 'fast-check';
import { readAfterState } from '../../../src/commands/after-state.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const hash = '0123456789abcdfghijklmnpqrsvwxyz';

const path = fc.oneof(
  fc.constantFrom(`/nix/store/${hash}-a.drv`, `/nix/store/${hash}-a`, '/etc/shadow', `/${hash}`),
  fc.jsonValue(),
);

const target = fc.record(
  {
    name: fc.jsonValue(),
    drvPath: path,
    outPath: path,
    isArchive: fc.oneof(fc.boolean(), fc.jsonValue()),
    key: fc.oneof(fc.constant('comfy-nix-x'), fc.jsonValue()),
    restored: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

const state = fc.record(
  {
    builtSince: fc.oneof(fc.nat(), fc.jsonValue()),
    github: fc.oneof(
      fc.jsonValue(),
      fc.record({ built: fc.array(path), targets: fc.array(target) }),
    ),
    more: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'what main leaves for post',
    cases: fc.oneof(
      state.map(value => JSON.stringify(value)),
      fc.string(),
      fc.nat(3000).map(depth => '[{"github":'.repeat(depth)),
    ),
    read: readAfterState,
  }),
];
