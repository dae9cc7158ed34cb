import type { Host } from '../host/host.ts';
import type { RunContext } from '../inputs/context.ts';
import { parseBuild, parseCopy } from '../inputs/parse.ts';
import type { RawInputs, VerbName } from '../inputs/table.ts';
import type { VerbOutcome } from './outcome.ts';

/** Reads a verb's inputs and does it. */
export type Verb = (raw: RawInputs, context: RunContext, host: Host) => Promise<VerbOutcome>;

/** Each verb: inputs are read before its module is loaded, so that wrong usage is told at once. */
export const verbTable: Readonly<Record<VerbName, Verb>> = {
  build: async (raw, context, host) => {
    const settings = parseBuild(raw, context);
    const { build } = await import('./build.ts');
    return build(settings, host);
  },
  copy: async (raw, context, host) => {
    const settings = parseCopy(raw, context);
    const { copy } = await import('./copy.ts');
    return copy(settings, host);
  },
};
