import type { AuditRecord } from './audit.ts';
import type { BuildRecord, PlanRecord, WhyRecord } from './types.ts';

/** A record (of a build, of an audit, of what builds would do) as a file's text. */
export function recordText(record: BuildRecord | AuditRecord | PlanRecord | WhyRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
