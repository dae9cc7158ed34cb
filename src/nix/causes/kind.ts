import { readDerivationFile } from '../derivation.ts';
import type { DerivationKind } from './cause.ts';

/** What a derivation is; undefined where it cannot be read. */
export function kindOf(drvPath: string, place?: string): DerivationKind | undefined {
  try {
    const { env } = readDerivationFile(drvPath, place);
    const json = env.get('__json') ?? '';
    if (/\bkvm\b/.test(env.get('requiredSystemFeatures') ?? '')) return 'virtual machine';
    if (/"requiredSystemFeatures":\[[^\]]*"kvm"/.test(json)) return 'virtual machine';
    return env.has('outputHash') || json.includes('"outputHash":') ? 'download' : 'build';
  } catch {
    return undefined;
  }
}
