import { type Answer, header } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import type { RegistryClient } from './client.ts';

/** The pages of a list, as many as are told and read; the next one is asked for when it is wanted. */
export async function* pagesOf(client: RegistryClient, first: URL): AsyncGenerator<Answer> {
  let url: URL | undefined = first;
  for (let page = 0; url !== undefined && page < limits.listPages; page += 1) {
    const answer: Answer = await client.exchange({ method: 'GET', url });
    yield answer;
    url = nextPage(header(answer, 'link'), url);
  }
}

/** Where a page says that the next one is (RFC 8288), on the same server. */
function nextPage(link: string | undefined, url: URL): URL | undefined {
  const [, target] = /^\s*<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? [];
  const next = target === undefined ? null : URL.parse(target, url.href);
  return next?.origin === url.origin ? next : undefined;
}
