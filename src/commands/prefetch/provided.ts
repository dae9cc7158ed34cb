import { dirname } from 'node:path';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import type { PrefetchSettings } from '../../inputs/settings.ts';
import { asAddress } from '../../nix/flake-reference.ts';
import { findNix, runNix } from '../../nix/nix.ts';
import type { Variant } from '../../wheels/variant.ts';
import { exactVersion } from '../../wheels/versions.ts';
import type { Wanted } from '../../wheels/wanted.ts';
import { normalizeName } from '../../wheels/wheel-name.ts';

/** What a variant has without a wheel: project → version, where that is known. */
export type ProvidedIn = (variant: Variant) => ReadonlyMap<string, string | undefined>;

/** Python ("3.13") → project → version, as the flake tells it. */
const toldSchema = v.record(v.string(), v.record(v.string(), v.string()));

/**
 * What nixpkgs provides, by one evaluation of the flake beside wheels.toml; or what wheels.toml says.
 * Rejects with a {@link Failure} where the flake does not tell.
 */
export async function findProvided(
  wanted: Wanted,
  settings: PrefetchSettings,
  host: Host,
): Promise<ProvidedIn> {
  const { provided } = wanted;
  if (provided === undefined) return () => new Map();
  if (typeof provided !== 'string') {
    const entries = Object.entries(provided);
    const all = new Map(entries.map(([name, each]) => [name, exactVersion(`==${each}`)]));
    return () => all;
  }
  const told = await evaluated(provided, dirname(settings.wheelsFile), host);
  const byPython = new Map(
    Object.entries(told).map(([python, all]) => [
      python,
      new Map(Object.entries(all).map(([name, version]) => [normalizeName(name), version])),
    ]),
  );
  return ({ python }) => byPython.get(python) ?? new Map();
}

async function evaluated(installable: string, folder: string, host: Host) {
  const nix = await findNix(host);
  const where = `wheels.toml: provided: ${installable}`;
  if (nix === undefined) {
    throw new Failure(`${where} is asked of Nix, which is not on this machine.`, {
      next: 'Install Nix, or write a table [provided] with projects and their versions.',
    });
  }
  const limit = { what: `Nix to evaluate ${installable}`, ms: patience.evaluation };
  const args = ['eval', '--json', '--', asAddress(installable, folder)];
  const { code, stdout, stderr } = await runNix(nix, 'nix', args, { cwd: folder, limit });
  const result = v.safeParse(toldSchema, code === 0 ? readJson(stdout) : undefined);
  if (result.success) return result.output;
  throw new Failure(`${where} could not be evaluated.`, {
    evidence: code === 0 ? [stdout.slice(0, 200)] : lastLines(stderr),
    next: 'It is a set: Python ("3.13") → project → version. The layered template has one.',
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
