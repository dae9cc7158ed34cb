import type { AuditRecord } from './audit.ts';
import type { BuildRecord } from './types.ts';

/** A record (of a build, of an audit) as a file's text. */
export function recordText(record: BuildRecord | AuditRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
