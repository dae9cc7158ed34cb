import type { LayerClosures } from '../../audit/subject.ts';
import { Failure } from '../../host/failure.ts';
import type { AuditLimit } from '../../inputs/settings.ts';
import { type Closure, startClosures } from '../../nix/closures.ts';
import { isShipped, namedTargets, targetsOf } from '../../nix/recipe-layers.ts';
import type { Evaluation, Nix } from '../../nix/types.ts';
import type { AuditRecord, Finding } from '../../record/audit.ts';
import { findingCounts, sourceCounts } from '../../report/audit.ts';

/** The closures of the shipped layers that are in this store, with sizes. */
export async function closuresHere(
  nix: Nix,
  { recipe }: Evaluation,
  closures = startClosures(),
): Promise<LayerClosures> {
  // what another tool made is an archive or a script, whose closure is not that of the image
  const shipped = (recipe?.layers ?? []).filter(isShipped);
  const outPaths = new Set(namedTargets(shipped).map(({ outPath }) => outPath));
  const here = await closures.here(nix, [...outPaths]);
  return new Map(
    shipped.flatMap(layer => {
      const found = targetsOf(layer).map(({ outPath }) => here.get(outPath));
      const isHere = found.every(closure => closure !== undefined);
      return isHere ? [[layer.name, together(found)]] : [];
    }),
  );
}

/** The paths of several closures, each once. */
function together(closures: readonly Closure[]): Closure {
  return [...new Map(closures.flat().map(sized => [sized.path, sized])).values()];
}

/** What later steps get of an audit. */
export function auditOutputs(record: AuditRecord): { findings: Finding[]; reproducible?: number } {
  const { reproducible } = sourceCounts(record).total;
  return {
    findings: record.findings,
    ...(reproducible === undefined ? {} : { reproducible: Math.floor(reproducible * 100) }),
  };
}

/** The failure that the findings are, from `limit` on; undefined: they are none. */
export function auditFailure({ findings }: AuditRecord, limit: AuditLimit): Failure | undefined {
  const isOver = ({ severity }: Finding) =>
    limit === 'warning' ? severity !== 'note' : limit === 'error' && severity === 'error';
  const over = findings.filter(isOver);
  if (over.length === 0) return undefined;
  return new Failure(`The audit found ${findingCounts(over)}.`, {
    evidence: over.slice(0, 20).map(({ rule, message }) => `${rule}: ${message}`),
    next: 'comfy-nix audit says what each of them costs, and what to do; `audit-fail-on: never` goes on.',
  });
}
