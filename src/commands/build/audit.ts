import type { AuditSubject, LayerBlobs } from '../../audit/subject.ts';
import { explain } from '../../host/failure.ts';
import { warn } from '../../host/say.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import type { Evaluation } from '../../nix/types.ts';
import { auditFailure, closuresHere } from '../audit/shared.ts';
import type { BuildState } from './state.ts';

/**
 * Starts to read what the audit needs, while the run goes on: it waits for registries and builds most
 * of the time. Only where findings may fail the run are they waited for, before anything is built.
 */
export async function startAudit(
  evaluation: Evaluation,
  { audit: wanted, auditFailOn }: BuildSettings,
  state: BuildState,
): Promise<void> {
  if (!wanted && auditFailOn === 'never') return;
  // loaded on use: nothing of it is needed before Nix's first command
  const subject = import('../../audit/read.ts').then(({ readSubject }) =>
    readSubject(evaluation, state.nix?.place),
  );
  subject.catch(() => undefined); // told when it is waited for
  state.auditSubject = subject;
  if (auditFailOn === 'never') return;
  const { audit } = await import('../../audit/audit.ts');
  const failure = auditFailure(audit(await subject), auditFailOn);
  if (failure) throw failure;
}

/**
 * The audit for the record, with the closures of what this run has made, and the blobs of what it has
 * reused; a failure only warns. A run that was interrupted has none.
 */
export async function finishAudit(state: BuildState): Promise<void> {
  const { auditSubject, host } = state;
  if (auditSubject === undefined || host.signal?.aborted) return;
  try {
    const { audit } = await import('../../audit/audit.ts');
    const subject = await auditSubject;
    state.audit = audit(subject, await closuresMade(state), publishedBlobs(subject, state));
  } catch (error) {
    const message = `The image could not be audited: ${explain(error)}`;
    warn(host, message);
  }
}

/** Where every layer is reused, nothing was made, and the store is not asked. */
async function closuresMade({ nix, evaluation, made, closures }: BuildState) {
  const isMade = [...made.values()].some(
    ({ origin }) => origin !== 'reused' && origin !== 'skipped',
  );
  return nix && evaluation && isMade ? closuresHere(nix, evaluation, closures) : new Map();
}

/**
 * The blobs of the layers, by the names that the audit has for these: of an image that was published, as far
 * as it is known what they hold. Which of them an image of another tool has from the one below it is not.
 */
export function publishedBlobs(
  { layers, hasRecipe }: Pick<AuditSubject, 'layers' | 'hasRecipe'>,
  { made, manifest }: Pick<BuildState, 'made' | 'manifest'>,
): LayerBlobs {
  if (manifest === undefined || (!hasRecipe && layers.length > 1)) return new Map();
  const known = [...made.values()].filter(
    ({ blobs }) => blobs.length === 0 || blobs.some(({ paths }) => paths.length > 0),
  );
  return new Map(
    known.map(({ name, blobs }) => [
      hasRecipe ? name : (layers[0]?.name ?? name),
      blobs.map(({ paths, uncompressedSize: size }) => ({ paths, size })),
    ]),
  );
}
