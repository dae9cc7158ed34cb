import type { Host } from '../host/host.ts';
import type { RunContext } from '../inputs/context.ts';
import type { RawInputs } from '../inputs/table.ts';
import { parseBuild } from '../inputs/verbs/build.ts';
import { parseSetup } from '../inputs/verbs/setup.ts';
import type { VerbName } from '../inputs/verbs.ts';
import type { AfterState, VerbOutcome } from './outcome.ts';

/** Reads a verb's inputs and does it. */
export type Verb = (raw: RawInputs, context: RunContext, host: Host) => Promise<VerbOutcome>;

/**
 * Each verb: inputs are read before its module is loaded, so that wrong usage is told at once. What reads
 * them is loaded on use, but for what most runs are.
 */
export const verbTable: Readonly<Record<VerbName, Verb>> = {
  build: async (raw, context, host) => {
    const settings = parseBuild(raw, context);
    if (settings.dryRun) {
      const { plan } = await import('./plan.ts');
      return plan(
        { ...settings, flakes: [settings.flake], exitCode: false, includeUnchanged: false },
        host,
      );
    }
    const { build } = await import('./build.ts');
    return build(settings, host);
  },
  plan: async (raw, context, host) => {
    const { parsePlan } = await import('../inputs/verbs/plan.ts');
    const settings = parsePlan(raw, context);
    const { plan } = await import('./plan.ts');
    return plan(settings, host);
  },
  why: async (raw, context, host) => {
    const { parseWhy } = await import('../inputs/verbs/plan.ts');
    const settings = parseWhy(raw, context);
    const { why } = await import('./why.ts');
    return why(settings, host);
  },
  setup: async (raw, context, host) => {
    const settings = parseSetup(raw, context);
    const { setup } = await import('./setup.ts');
    return setup(settings, host);
  },
  prefetch: async (raw, context, host) => {
    const { parsePrefetch } = await import('../inputs/verbs/prefetch.ts');
    const settings = parsePrefetch(raw, context);
    const { prefetch } = await import('./prefetch.ts');
    return prefetch(settings, host);
  },
  audit: async (raw, context, host) => {
    const { parseAudit } = await import('../inputs/verbs/audit.ts');
    const settings = parseAudit(raw, context);
    const { auditImage } = await import('./audit.ts');
    return auditImage(settings, host);
  },
  report: async (raw, context, host) => {
    const { parseReport } = await import('../inputs/verbs/report.ts');
    const settings = parseReport(raw, context);
    const { report } = await import('./report.ts');
    return report(settings, host);
  },
  copy: async (raw, context, host) => {
    const { parseCopy } = await import('../inputs/verbs/copy.ts');
    const settings = parseCopy(raw, context);
    const { copy } = await import('./copy.ts');
    return copy(settings, host);
  },
};

/** Does what a verb has left for the end of the job, with the same inputs. */
export type After = (
  raw: RawInputs,
  context: RunContext,
  state: AfterState,
  host: Host,
) => Promise<void>;

export const afterVerb: After = async (raw, context, state, host) => {
  // what a set-up alone reads may have been given to another verb
  const settings = parseSetup({ ...raw, check: '', undo: '' }, context);
  const { finishSetup } = await import('./setup.ts');
  await finishSetup(settings, state, host);
};
