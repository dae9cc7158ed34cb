import type { Host } from '../host/host.ts';
import { Unreachable } from '../host/http/message.ts';
import { notice } from '../host/say.ts';
import { acceptedPages, type Listing, readIndexPage } from './index-page.ts';
import { type GitHubAccess, listRelease } from './releases.ts';
import type { Variant } from './variant.ts';
import { describeOrigin, type WantedWheel } from './wanted/wheel.ts';
import type { Web } from './web.ts';

/** Listings that were asked for, by project and origin. */
export interface Listings {
  of(wheel: WantedWheel): Listing;
}

/** One wheel wanted in one variant. */
export interface Want {
  variant: Variant;
  wheel: WantedWheel;
}

/** What was asked for so far, by project and origin. */
export type AskedPages = Map<string, Promise<Listing>>;

/** Asks for all that is wanted at once; each page and each release is asked for once in a run. */
export async function askAll(
  wants: readonly Want[],
  web: Web,
  github: GitHubAccess,
  host: Host,
  asked: AskedPages,
): Promise<Listings> {
  const before = asked.size;
  for (const { wheel } of wants) {
    const key = keyOf(wheel);
    if (!asked.has(key)) asked.set(key, ask(wheel, web, github));
  }
  const fresh = asked.size - before;
  const pages = fresh === 1 ? 'a page' : `${fresh} pages`;
  const message = `Asking for ${pages} of indexes and releases`;
  if (fresh > 0) notice(host, message);
  const listings = new Map(
    await Promise.all([...asked].map(async ([key, listing]) => [key, await listing] as const)),
  );
  return {
    of: wheel => listings.get(keyOf(wheel)) ?? { kind: 'absent', reason: 'It was not asked for.' },
  };
}

function keyOf({ name, origin }: WantedWheel): string {
  return origin.kind === 'index' ? pageOf(origin.url, name) : describeOrigin(origin);
}

/** An index's page of a project ends with a slash (PEP 503). */
function pageOf(index: string, name: string): string {
  return `${index}/${name}/`;
}

/** A server that fails is a listing too: what the lock knows of it stays usable. */
async function ask(
  { name, origin }: WantedWheel,
  web: Web,
  github: GitHubAccess,
): Promise<Listing> {
  try {
    return await (origin.kind === 'index'
      ? listIndex(origin.url, name, web)
      : listRelease(origin, web, github));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return { kind: 'unreachable', reason: error.message };
  }
}

async function listIndex(index: string, name: string, web: Web): Promise<Listing> {
  const page = pageOf(index, name);
  const answer = await web.read(page, acceptedPages);
  const { status, body, headers, url } = answer;
  // indexes on object storage answer 403 for what they do not have
  if (status === 404 || status === 403 || status === 410) {
    return { kind: 'absent', reason: `${index} has no project ${name} (it answered ${status}).` };
  }
  if (status === 401) {
    throw new Unreachable(`${page} wants a login (401); uv alone has one, of ~/.netrc.`);
  }
  if (status !== 200) throw new Unreachable(`${page} answered ${status}.`);
  const type = headers['content-type'] ?? 'text/html';
  const files = await readIndexPage(body.toString(), type, url.href);
  return { kind: 'files', files, source: index };
}
