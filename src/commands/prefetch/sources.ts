import { Unreachable } from '../../host/http/message.ts';
import { pinSource } from '../../wheels/git-source.ts';
import type { SourcePin } from '../../wheels/lock.ts';
import type { WantedSource } from '../../wheels/wanted.ts';
import { normalizeName } from '../../wheels/wheel-name.ts';
import type { Findings, PrefetchRun } from './run.ts';

/** Pins the Git sources; what nobody tells stays as the lock has it. */
export async function pinSources(
  run: PrefetchRun,
): Promise<Findings<Readonly<Record<string, SourcePin>>>> {
  const found = await Promise.all(run.wanted.sources.map(source => findSource(source, run)));
  const named = new Set(run.wanted.sources.map(({ name }) => normalizeName(name)));
  const asked = run.wanted.variants.flatMap(variant => run.lists(variant).sources);
  const packages = new Map(
    asked.filter(({ name }) => !named.has(name)).map(source => [source.name, source]),
  );
  const more = [...packages.values()].map(({ name, url, ref, isPackage }) =>
    findSource({ name, url, ref, isPackage }, run),
  );
  found.push(...(await Promise.all(more)));
  return {
    pins: Object.fromEntries(found.map(({ name, pin }) => [name, pin])),
    unknown: found.flatMap(({ unknown }) => unknown ?? []),
  };
}

async function findSource(
  source: WantedSource,
  { before, settings, host }: PrefetchRun,
): Promise<{ name: string; pin: SourcePin; unknown?: string }> {
  const { name, url, ref } = source;
  const known = before?.sources[name];
  try {
    const pin = await pinSource(source, known, settings.temporaryDirectory, host);
    return { name, pin };
  } catch (error) {
    const isUsable = known?.url === url && known.ref === ref;
    if (!(error instanceof Unreachable) || known === undefined || !isUsable) throw error;
    const unknown = `${error.message} What the lock has stays as it is: ${name}.`;
    return { name, pin: known, unknown };
  }
}
