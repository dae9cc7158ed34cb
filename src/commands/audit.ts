import { audit } from '../audit/audit.ts';
import { readSubject } from '../audit/read.ts';
import type { Host } from '../host/host.ts';
import { checkOutput, writeOutput } from '../host/output-file.ts';
import { inPhase } from '../host/phase.ts';
import { notice } from '../host/say.ts';
import type { AuditSettings } from '../inputs/settings.ts';
import { recordText } from '../record/text.ts';
import { auditMarkdown } from '../report/audit-markdown.ts';
import { auditText } from '../report/audit-text.ts';
import { nixForAudit } from './audit/nix.ts';
import { auditFailure, auditOutputs, closuresHere } from './audit/shared.ts';
import { evaluateImage } from './evaluate-image.ts';
import { type VerbOutcome, withOutcome } from './outcome.ts';

/**
 * Tells where the packages of a flake's image come from, and what of it will hurt, from its
 * derivations and, as far as its layers are in this store, from their closures. Builds nothing.
 * Rejects with a `VerbFailure` that carries the report where findings are to fail the run.
 */
export async function auditImage(settings: AuditSettings, host: Host): Promise<VerbOutcome> {
  if (settings.recordFile !== undefined) await checkOutput(settings.recordFile);
  if (settings.tokenRefusal !== undefined) notice(host, settings.tokenRefusal);
  const { nix, exports } = await inPhase(host, 'install', () => nixForAudit(settings, host));
  const evaluation = await evaluateImage(nix, settings, true, host);
  const [subject, closures] = await Promise.all([
    readSubject(evaluation, nix.place),
    closuresHere(nix, evaluation),
  ]);
  const record = audit(subject, closures);
  const title = `## Audit of \`${evaluation.installable.replaceAll('`', "'")}\``;
  const outcome = {
    audit: record,
    report: {
      text: auditText(record),
      markdown: `${[title, ...auditMarkdown(record)].join('\n\n')}\n`,
    },
    outputs: { ...auditOutputs(record), record: settings.recordFile },
    ...(exports ? { exports } : {}),
  };
  if (settings.recordFile !== undefined) {
    await writeOutput(settings.recordFile, recordText(record), host);
  }
  const failure = auditFailure(record, settings.auditFailOn);
  if (failure) throw withOutcome(failure, outcome);
  return outcome;
}
