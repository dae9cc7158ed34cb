import type { PackageRecord, UnfreePackage } from '../record/audit.ts';
import { isNvidiaDownload } from './fetches.ts';
import { type AuditSubject, fetchedInputs } from './subject.ts';

/** pip's packages of NVIDIA's libraries; NCCL's is free. */
const nvidiaWheel = /^nvidia-(?!nccl|ml-py)/;

/**
 * The packages whose licence is not free: as nixpkgs says it where evaluation could tell, and those that
 * are made of NVIDIA's downloads.
 */
export function unfreePackages(
  packages: readonly PackageRecord[],
  subject: AuditSubject,
): UnfreePackage[] {
  return packages.flatMap(({ name, version, layer, derivation, python }) => {
    const licence =
      subject.provenance.unfree.get(derivation ?? '') ??
      (isNvidias(derivation, subject) || (python && nvidiaWheel.test(name))
        ? "NVIDIA's own (CUDA EULA and others)"
        : undefined);
    if (licence === undefined) return [];
    return [{ name, ...(version === undefined ? {} : { version }), licence, layer }];
  });
}

function isNvidias(drvPath: string | undefined, { graph }: AuditSubject): boolean {
  const facts = drvPath === undefined ? undefined : graph.get(drvPath);
  if (facts === undefined) return false;
  const fetches = [facts, ...fetchedInputs(facts, graph).map(input => graph.get(input))];
  return fetches.some(each => each?.fetch?.urls.some(isNvidiaDownload));
}
