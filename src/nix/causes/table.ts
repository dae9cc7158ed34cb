import { building } from './building.ts';
import type { Cause } from './cause.ts';
import { evaluating, places } from './evaluating.ts';
import { fetching } from './fetching.ts';

/** Every cause that is known. Of several the first is told; docs/troubleshooting.md is made of it. */
export const causes: readonly Cause[] = [...places, ...fetching, ...building, ...evaluating];
