import type * as v from 'valibot';
import type { auditSchema } from './audit-schema.ts';

/** What an audit says of an image; `audit-schema.ts` says what each field means. */
export type AuditRecord = v.InferOutput<typeof auditSchema>;

/** A package that is in the image, or gets into its containers when they start. */
export type PackageRecord = AuditRecord['packages'][number];

export type PackageSource = PackageRecord['source'];

/** Something that will hurt. */
export type Finding = AuditRecord['findings'][number];

export type Severity = Finding['severity'];

/** A package whose licence is not free. */
export type UnfreePackage = AuditRecord['unfree'][number];
