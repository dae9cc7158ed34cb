import { dirname } from 'node:path';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import type { PrefetchSettings } from '../../inputs/settings.ts';
import { asAddress } from '../../nix/flake-reference.ts';
import { findNix, runNix } from '../../nix/nix.ts';
import type { Asked } from '../../wheels/lists/asked.ts';
import type { Variant } from '../../wheels/variant.ts';
import { exactVersion } from '../../wheels/versions.ts';
import type { Wanted } from '../../wheels/wanted.ts';
import { normalizeName } from '../../wheels/wheel-name.ts';
import type { ListsOf } from './lists.ts';

/** What a variant has without a wheel: project → version, where that is known. */
export type ProvidedIn = (variant: Variant) => ReadonlyMap<string, string | undefined>;

/** Python ("3.13") → project → version, as the flake tells it; null: a wheel of it is wanted. */
const toldSchema = v.record(v.string(), v.record(v.string(), v.nullable(v.string())));

/** What nixpkgs has, and what of it is to be wheels. */
interface Told {
  provided: ProvidedIn;
  /** Adds what is to be wheels to what lists ask for. */
  withAsked: (lists: ListsOf) => ListsOf;
}

/**
 * What nixpkgs provides, by one evaluation of the flake beside wheels.toml; or what wheels.toml says.
 * Rejects with a {@link Failure} where the flake does not tell.
 */
export async function findProvided(
  { provided }: Wanted,
  settings: PrefetchSettings,
  host: Host,
): Promise<Told> {
  const withAsked = (lists: ListsOf) => lists;
  if (provided === undefined) return { provided: () => new Map(), withAsked };
  if (typeof provided !== 'string') {
    const entries = Object.entries(provided);
    const all = new Map(entries.map(([name, each]) => [name, exactVersion(`==${each}`)]));
    return { provided: () => all, withAsked };
  }
  return readTold(await evaluated(provided, dirname(settings.wheelsFile), host), provided);
}

/** @param place the attribute that told it */
function readTold(told: v.InferOutput<typeof toldSchema>, place: string): Told {
  const byPython = new Map(Object.entries(told).map(([python, all]) => [python, parted(all)]));
  const { provided, wheels } = parted({});
  return {
    provided: ({ python }) => byPython.get(python)?.provided ?? provided,
    withAsked: lists => variant => {
      const asked = (byPython.get(variant.python)?.wheels ?? wheels).map(name =>
        anyOf(name, place),
      );
      const own = lists(variant);
      const isAlone = asked.length > 0;
      const more = { any: own.any || isAlone, buildsByWheels: isAlone };
      return { ...own, ...more, requirements: [...own.requirements, ...asked] };
    },
  };
}

/** What is there in a version, and what is to be wheels. */
function parted(all: Readonly<Record<string, string | null>>) {
  const entries = Object.entries(all).map(
    ([name, version]) => [normalizeName(name), version] as const,
  );
  const provided = new Map(
    entries.flatMap(([name, version]) => (version === null ? [] : [[name, version] as const])),
  );
  return {
    provided,
    wheels: entries.flatMap(([name, version]) => (version === null ? [name] : [])),
  };
}

const anyOf = (name: string, place: string): Asked => ({
  ...{ name, place, text: name, extras: [], versions: '', url: undefined, marker: '', hashes: [] },
});

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
