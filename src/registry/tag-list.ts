import * as v from 'valibot';
import { readJson } from '../host/foreign-json.ts';
import { header } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import type { RegistryClient } from './client.ts';

const listSchema = v.object({ tags: v.nullish(v.array(v.string())) });

/**
 * The tags of a repository that begin with a text (distribution-spec, "Listing Tags"), page after page:
 * not every registry has them in an order. Rejects with a Failure where they are not told.
 */
export async function tagsWith(client: RegistryClient, start: string): Promise<string[]> {
  const found: string[] = [];
  let url: URL | undefined = client.tagsUrl();
  for (let page = 0; url !== undefined && page < limits.tagPages; page += 1) {
    const answer = await client.exchange({ method: 'GET', url });
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw client.refused(answer, 'list the tags of');
    const { tags } = readJson(listSchema, answer.body.toString()) ?? {};
    found.push(...(tags ?? []).filter(tag => tag.startsWith(start)));
    url = nextPage(header(answer, 'link'), url);
  }
  return found;
}

/** Where a page says that the next one is (RFC 8288), on the same server. */
function nextPage(link: string | undefined, url: URL): URL | undefined {
  const [, target] = /^\s*<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? [];
  const next = target === undefined ? null : URL.parse(target, url.href);
  return next?.origin === url.origin ? next : undefined;
}
