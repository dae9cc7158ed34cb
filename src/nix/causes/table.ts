import { building } from './building.ts';
import type { Cause } from './cause.ts';
import { evaluating, places } from './evaluating.ts';
import { fetching } from './fetching.ts';

/** All causes that are known, as docs/troubleshooting.md tells them. */
export const causeGroups: readonly { title: string; causes: readonly Cause[] }[] = [
  { title: 'Where the flake is', causes: places },
  { title: 'Servers and caches', causes: fetching },
  { title: 'The machine', causes: building },
  { title: 'What the flake says', causes: evaluating },
];

/** All of them, in the order in which they are looked for: of several the first is told. */
export const causes: readonly Cause[] = causeGroups.flatMap(group => group.causes);
