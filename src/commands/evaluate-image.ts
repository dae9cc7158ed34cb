import type { Host } from '../host/host.ts';
import { inPhase } from '../host/phase.ts';
import type { AuditSettings } from '../inputs/settings.ts';
import { type EvaluationRequest, evaluate } from '../nix/evaluate.ts';
import type { Evaluation, Nix } from '../nix/types.ts';

/** Which image is meant, and how its flake is evaluated. */
type ImageSettings = Pick<
  AuditSettings,
  'flake' | 'overrideInputs' | 'acceptFlakeConfig' | 'workingDirectory'
>;

/**
 * Evaluates the image that the settings name. Rejects with a {@link Failure}.
 * @param provenance whether to tell where packages come from, for an audit
 */
export function evaluateImage(
  nix: Nix,
  { flake, overrideInputs, acceptFlakeConfig, workingDirectory: cwd }: ImageSettings,
  provenance: boolean,
  host: Host,
  more: Pick<EvaluationRequest, 'onFetch'> = {},
): Promise<Evaluation> {
  const installables = flake === undefined ? ['.#comfyui', '.#default'] : [flake];
  return inPhase(host, 'evaluate', () =>
    evaluate(nix, { installables, overrideInputs, cwd, acceptFlakeConfig, provenance, ...more }),
  );
}
