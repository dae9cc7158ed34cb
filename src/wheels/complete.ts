import { type Requirement, readRequirements } from './requirements.ts';
import type { Variant } from './variant.ts';
import { isAllowed } from './versions.ts';

/** A wheel of a set. */
export interface Member {
  version: string;
  /** Its METADATA; undefined where nobody has it. */
  metadata: string | undefined;
  /** Projects that it is not asked about. */
  ignoredRequirements: readonly string[];
}

/** Something that a list, wheels.toml or a wheel requires. */
export interface Need {
  /** "pak3.txt:12", "wheels.toml", or "kornia 0.9.0". */
  by: string;
  /** Who to name in the lock: "pak3.txt", or "kornia". */
  shortly: string;
  requirement: Requirement;
}

/** All that is there in one variant. */
export interface WholeSet {
  variant: Variant;
  roots: readonly Need[];
  members: ReadonlyMap<string, Member>;
  /** What is there without a wheel: the version, where that is known. */
  provided: ReadonlyMap<string, string | undefined>;
  /** Projects that the variant goes without, and what there is instead. */
  skipped: ReadonlyMap<string, string | undefined>;
}

/** What a set lacks, and why each of its wheels is there. */
export interface Completeness {
  /** What nothing provides, or only in a version that does not suit (`found`). */
  missing: (Need & { found?: string })[];
  /** Project → who requires it, sorted. */
  requiredBy: ReadonlyMap<string, string[]>;
}

/** Follows all requirements of a set, with their extras, from its roots. */
export function followRequirements(set: WholeSet): Completeness {
  const extras = new Map<string, Set<string>>();
  const requiredBy = new Map<string, Set<string>>();
  const missing = new Map<string, Need & { found?: string }>();
  const pending = [...set.roots];
  for (let need = pending.pop(); need !== undefined; need = pending.pop()) {
    const target = targetOf(need.requirement, set);
    if (target === undefined) continue;
    const { name } = target;
    const member = set.members.get(name);
    if (member === undefined) {
      const fault = faultOf(target, set);
      if (fault) missing.set(`${need.by} ${name}`, { ...need, requirement: target, ...fault });
      continue;
    }
    requiredBy.set(name, (requiredBy.get(name) ?? new Set()).add(need.shortly));
    const known = extras.get(name);
    const all = new Set([...(known ?? []), ...target.extras]);
    if (known?.size === all.size) continue;
    extras.set(name, all);
    pending.push(...needsOf(name, member, all, set.variant));
  }
  return {
    missing: [...missing.values()].sort((a, b) => (a.by < b.by ? -1 : 1)),
    requiredBy: new Map([...requiredBy].map(([name, by]) => [name, [...by].sort()])),
  };
}

/** What a requirement asks for where something is there instead; undefined: nothing. */
function targetOf(requirement: Requirement, { skipped }: WholeSet): Requirement | undefined {
  if (!skipped.has(requirement.name)) return requirement;
  const instead = skipped.get(requirement.name);
  return instead === undefined ? undefined : { name: instead, extras: [], versions: '' };
}

function faultOf({ name, versions }: Requirement, { provided }: WholeSet) {
  if (!provided.has(name)) return {};
  const found = provided.get(name);
  if (found === undefined || versions === '') return undefined;
  return isAllowed(found, versions) ? undefined : { found };
}

function needsOf(
  name: string,
  member: Member,
  extras: ReadonlySet<string>,
  variant: Variant,
): Need[] {
  if (member.metadata === undefined) return [];
  return readRequirements(member.metadata, variant, extras)
    .filter(requirement => !member.ignoredRequirements.includes(requirement.name))
    .map(requirement => ({ by: `${name} ${member.version}`, shortly: name, requirement }));
}
