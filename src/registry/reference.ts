import { Failure } from '../host/failure.ts';
import { isLoopback } from '../host/http/loopback.ts';
import { isDigest } from '../image/digest.ts';

/** An image in a registry, as people write it, taken apart. */
export interface ImageReference {
  /** As people name it: "ghcr.io", "127.0.0.1:5000", "docker.io". */
  registry: string;
  /** Where the registry's API answers, without a path: "https://registry-1.docker.io". */
  origin: string;
  /** It was written with `http://`: there is no other way to it. */
  isPlain?: true;
  /** Lower case: "o/comfyui". */
  repository: string;
  tag?: string;
  digest?: string;
}

const dockerHub = 'docker.io';
const dockerHubNames = new Set([dockerHub, 'index.docker.io', 'registry-1.docker.io']);
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const hostAndPort = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const validTag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Takes an image reference apart (distribution's reference grammar, with its short forms for Docker
 * Hub), and with `http://` before it where its registry speaks plain HTTP. The repository is put in
 * lower case, as registries require.
 * @throws Failure (wrong usage) that names the part which is wrong.
 */
export function parseReference(text: string): ImageReference {
  const plain = /^http:\/\//i.test(text);
  const { name, tag, digest } = splitReference(plain ? text.slice('http://'.length) : text);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isNamed = plain || namesRegistry(first);
  const registry = isNamed ? registryName(first, text) : dockerHub;
  let repository = (isNamed ? name.slice(slash + 1) : name).toLowerCase();
  if (registry === dockerHub && !repository.includes('/')) repository = `library/${repository}`;
  checkRepository(repository, text);
  if (tag !== undefined) checkTag(tag);
  if (digest !== undefined && !isDigest(digest)) {
    throw wrong(text, `"${digest}" is not a digest: "sha256:" and 64 hexadecimal digits`);
  }
  return {
    registry,
    origin: originOf(registry, plain),
    ...(plain ? { isPlain: true } : {}),
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** A folder or a file of this machine that holds an image, and as what. */
export interface LocalPlace {
  kind: 'oci' | 'docker-archive';
  /** May be empty, which is none. */
  path: string;
}

/** The place that is written as `oci:DIR` or `docker-archive:FILE`; undefined for a reference, and for "-". */
export function localPlace(text: string): LocalPlace | undefined {
  const [, kind, path = ''] = /^(oci|docker-archive):(.*)$/s.exec(text) ?? [];
  return kind === undefined ? undefined : { kind: kind as LocalPlace['kind'], path };
}

/** The reference in full, as every tool understands it. */
export function formatReference(reference: ImageReference): string {
  const { registry, repository, tag, digest } = reference;
  return [
    `${registry}/${repository}`,
    tag === undefined ? '' : `:${tag}`,
    digest === undefined ? '' : `@${digest}`,
  ].join('');
}

/**
 * @throws Failure (wrong usage) for a tag that no registry can hold; a "+", as in PyTorch's
 * versions, is answered with a name that works.
 */
export function checkTag(tag: string): void {
  if (validTag.test(tag)) return;
  const replaced = tag.replaceAll('+', '-');
  throw new Failure(`"${tag}" cannot be a tag.`, {
    next:
      replaced !== tag && validTag.test(replaced)
        ? `Registries do not allow "+" in tags; use "${replaced}".`
        : 'A tag has up to 128 letters, digits, ".", "_" and "-"; not "." or "-" first.',
    exitCode: 2,
  });
}

/** Whether the part before the first slash is a registry and not a user of Docker Hub. */
function namesRegistry(part: string): boolean {
  return /[.:]/.test(part) || part.toLowerCase() === 'localhost';
}

function splitReference(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  // a colon before the last slash belongs to a port
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  if (colon < 0) return { name: named, ...digest };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1), ...digest };
}

function registryName(first: string, text: string): string {
  const port = Number(/:(\d+)$/.exec(first)?.[1] ?? 1);
  if (!hostAndPort.test(first) || port < 1 || port > 65_535 || !URL.canParse(`https://${first}`)) {
    throw wrong(text, `"${first}" is not a registry's host name`);
  }
  const registry = first.toLowerCase();
  return dockerHubNames.has(registry) ? dockerHub : registry;
}

function checkRepository(repository: string, text: string): void {
  if (repository.length > 255) throw wrong(text, 'a repository has at most 255 characters');
  const bad = repository.split('/').find(part => !component.test(part));
  if (bad !== undefined) {
    throw wrong(
      text,
      `"${bad}" cannot be part of its name (letters, digits, and single ".", "_", "-" between)`,
    );
  }
}

function originOf(registry: string, plain: boolean): string {
  if (registry === dockerHub) return 'https://registry-1.docker.io';
  return `${plain || isLoopback(registry) ? 'http' : 'https'}://${registry}`;
}

function wrong(text: string, why: string): Failure {
  return new Failure(`"${text}" is not an image reference: ${why}.`, {
    next: 'Write it as in "ghcr.io/owner/name:tag" or "127.0.0.1:5000/name".',
    exitCode: 2,
  });
}
