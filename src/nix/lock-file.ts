import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { lenient, readJson } from '../host/foreign-json.ts';
import { shownAddress } from '../host/http/address.ts';
import { limits } from '../host/limits.ts';
import { isThere, shortTextAt } from '../host/presence.ts';

/** An input of a flake, as its lock file has it. */
export interface LockedInput {
  /** As the flake calls it; one of an input after that one's name: "nixpkgs", "poetry/systems". */
  name: string;
  /** Such as "github:NixOS/nixpkgs"; without a login. */
  url: string;
  revision?: string;
  /** RFC 3339. */
  lastModified?: string;
}

/**
 * The inputs that the lock file of an installable's flake names; undefined where the flake is in no folder
 * here, and where its lock file is none. Those that are overridden are left out.
 */
export async function lockedInputs(
  installable: string,
  cwd: string,
  overridden: readonly string[],
): Promise<LockedInput[] | undefined> {
  const folder = await flakeFolder(installable, cwd);
  const text = folder && (await shortTextAt(join(folder, 'flake.lock'), limits.document));
  const lock = text ? readJson(lockSchema, text) : undefined;
  return lock && inputsOf(lock, new Set(overridden));
}

/** The folder with flake.nix; of ".", Nix takes the nearest one above that has it. */
async function flakeFolder(installable: string, cwd: string): Promise<string | undefined> {
  const [reference = ''] = installable.split('#', 1);
  const [path = '', query = ''] = reference.replace(/^path:/, '').split('?', 2);
  if (/^[a-z+-]+:/i.test(path) || !/^(\.|\/|$)/.test(path)) return undefined;
  const dir = new URLSearchParams(query).get('dir') ?? '';
  for (let at = resolve(cwd, path || '.', dir); ; at = dirname(at)) {
    if (await isThere(join(at, 'flake.nix'))) return at;
    if (reference.startsWith('path:') || dir !== '' || at === dirname(at)) return undefined;
  }
}

const text = v.optional(v.string());

const lockSchema = v.object({
  root: v.string(),
  nodes: v.record(
    v.string(),
    v.object({
      inputs: v.optional(v.record(v.string(), v.union([v.string(), v.array(v.string())]))),
      locked: v.optional(
        v.object({
          type: v.string(),
          ...{ owner: text, repo: text, url: text, path: text, id: text, rev: text },
          lastModified: lenient(v.pipe(v.number(), v.safeInteger())),
        }),
      ),
    }),
  ),
});
type Lock = v.InferOutput<typeof lockSchema>;
type Locked = NonNullable<Lock['nodes'][string]['locked']>;

/** Each locked input once, by the shortest of its names; the flake's own come first. */
function inputsOf({ root, nodes }: Lock, overridden: ReadonlySet<string>): LockedInput[] {
  const seen = new Set([root]);
  const pending = [{ node: root, name: '' }]; // grows while it is read
  const inputs: LockedInput[] = [];
  for (const { node, name } of pending) {
    const { locked, inputs: own = {} } = nodes[node] ?? {};
    if (locked && inputs.length < limits.lockedInputs) inputs.push(lockedInput(name, locked));
    for (const [input, target] of Object.entries(own)) {
      const full = name === '' ? input : `${name}/${input}`;
      // a list says which other input it follows
      if (typeof target !== 'string' || seen.has(target) || overridden.has(full)) continue;
      seen.add(target);
      pending.push({ node: target, name: full });
    }
  }
  return inputs;
}

function lockedInput(name: string, locked: Locked): LockedInput {
  const { rev, lastModified } = locked;
  const date = lastModified === undefined ? undefined : new Date(lastModified * 1000);
  const isDate = date !== undefined && !Number.isNaN(date.getTime());
  return {
    name: quoted(name),
    url: quoted(shownAddress(urlOf(locked))),
    ...(rev === undefined ? {} : { revision: quoted(rev) }),
    ...(isDate ? { lastModified: date.toISOString() } : {}),
  };
}

function urlOf({ type, owner, repo, url, path, id }: Locked): string {
  if (owner !== undefined && repo !== undefined) return `${type}:${owner}/${repo}`;
  if (url !== undefined) return type === 'git' ? `git+${url}` : url;
  return `${type}:${path ?? id ?? ''}`;
}

const quoted = (text: string) => text.slice(0, limits.quoted);
